// Drives the module `host` and src/init/system on the building machine; prints one JSON object.
import * as host from "host";
import * as os from "os";
import { encodeUtf8 } from "../../../src/core/bytes/utf8.ts";
import {
  copyFile,
  exists,
  list,
  makeDirectories,
  makeSymlink,
  readBytes,
  readText,
  readTextIfThere,
  removeTree,
  replaceBytes,
  writeBytes,
  writeText,
} from "../../../src/init/system/files.ts";
import { run, runOrThrow } from "../../../src/init/system/run.ts";

const directory = scriptArgs[1];
const room = `${directory}/a/b`;

/** Two datagrams to the test, and two to nobody, of which the second call hears of the first. */
function sendDatagrams(): readonly string[] {
  const listener = host.udpConnect("127.0.0.1", Number(scriptArgs[3]));
  for (const text of ["one", "two"]) host.packetSend(listener, encodeUtf8(text).buffer as ArrayBuffer);
  const nobody = host.udpConnect("127.0.0.1", 1);
  const send = () => message(() => host.packetSend(nobody, new ArrayBuffer(1)));
  const first = send();
  // The kernel's answer to it may come later than the next call.
  host.readable(Int32Array.of(nobody).buffer, 60_000);
  const said = [first, send(), send()];
  for (const fd of [listener, nobody]) os.close(fd);
  return said;
}

function message(action: () => unknown) {
  try {
    action();
    return "no error";
  } catch (error) {
    return error instanceof Error ? error.message : `not an Error: ${error}`;
  }
}

function timed<Result extends object>(work: () => Result) {
  const startMs = host.monotonicMs();
  return { ...work(), seconds: (host.monotonicMs() - startMs) / 1000 };
}

function statOf(path: string): os.Stat {
  const [status, errno] = os.stat(path);
  if (status === null) throw new Error(`stat ${path}: errno ${errno}`);
  return status;
}

makeDirectories(room, 0o700);
writeText(`${room}/text`, "grüße 🐣\n", 0o600);
copyFile(`${room}/text`, `${room}/copy`);
replaceBytes(`${room}/copy2`, Uint8Array.of(0, 255, 10));
makeSymlink("text", `${room}/link`);
makeSymlink("copy", `${room}/link`);
writeBytes(`${room}/large`, new Uint8Array(300001).fill(7));
const inRoom = host.openRoot(room);
const text = host.openBeneath(inRoom, "text", "place");
const changes = [
  host.linkAt(text, inRoom, "hard"),
  host.setModified(text, 1234567890500),
  host.makeNodeAt(inRoom, "fifo", os.S_IFIFO | 0o600, 0),
];

const passedThrough = (work: () => unknown) => message(work).replace(String(directory), "");

const udp = sendDatagrams();
const result = {
  scriptArgs: scriptArgs.slice(1),
  noDevice: [
    passedThrough(() => host.nvmeAdmin(`${room}/text`, new ArrayBuffer(32), new ArrayBuffer(4096), 1000)),
    passedThrough(() => host.nvmeAdmin("/dev/null", new ArrayBuffer(31), new ArrayBuffer(0), 1000)),
    passedThrough(() => host.scsiCommand(`${room}/text`, new ArrayBuffer(6), new ArrayBuffer(96), "in", 1000)),
    passedThrough(() => host.scsiCommand("/dev/null", new ArrayBuffer(33), new ArrayBuffer(0), "none", 1000)),
    passedThrough(() => host.scsiCommand(`${room}/nothing`, new ArrayBuffer(6), new ArrayBuffer(0), "none", 1000)),
  ],
  bigInt: String(2n ** 64n),
  list: list(room),
  text: readText(`${room}/text`),
  viaLink: readText(`${room}/link`),
  absent: readTextIfThere(`${room}/nothing`) === undefined,
  procFile: readBytes("/proc/self/maps").length > 0 && readText("/proc/sys/kernel/osrelease").trim().length > 0,
  large: readBytes(`${room}/large`).length,
  copyMode: (statOf(`${room}/copy`).mode & 0o777).toString(8),
  roomMode: (statOf(room).mode & 0o777).toString(8),
  mtime: statOf(`${room}/text`).mtime,
  links: statOf(`${room}/text`).nlink,
  changes,
  sha256: host.sha256(Uint8Array.of(97, 98, 99, 100).buffer, 0, 3),
  sha256File: host.sha256File(`${room}/large`),
  sha256TwoFiles: host.sha256TwoFiles(`${room}/large`, `${room}/large`),
  sha512: host.sha512(Uint8Array.of(97, 98, 99, 100).buffer, 0, 3),
  sha512File: host.sha512File(`${room}/large`),
  random: [new Uint8Array(host.randomBytes(32)), new Uint8Array(host.randomBytes(32))].map((bytes) => bytes.join()),
  randomTooMany: message(() => host.randomBytes(257)),
  found: [
    host.findBytes(`${room}/large`, Uint8Array.of(7, 7).buffer, 0, 100_000, 10),
    host.findBytes(`${room}/text`, Uint8Array.of(101).buffer, 0, 2, 100),
  ],
  foundTooLong: message(() => host.findBytes(`${room}/text`, new ArrayBuffer(17), 0, 1, 1)),
  statfs: host.statfs("/"),
  monotonic: host.monotonicMs(),
  udp,
  noPrivateFlag: ["lo", "nosuchif0"].map((name) => host.setPrivateFlag(name, "fw-lldp-agent", false)),
  cpu: timed(() => host.cpuTest(0.3)),
  memory: timed(() => host.memoryTest(32, 3, 0)),
  echo: run(["sh", "-c", "cat; echo err >&2; echo $KEY; exit 3"], { input: "in\n", env: { KEY: "value" } }),
  devNull: run(["cat"]),
  notThere: run(["no-such-program"]).status,
  killed: run(["sh", "-c", "kill -9 $$"]).status,
  bytesInput: runOrThrow(["od", "-An", "-tx1"], { input: Uint8Array.of(0, 1, 255) }).trim(),
  noisy: run(["sh", "-c", "head -c 1000000 /dev/zero | tr '\\0' x"]).output.length,
  failing: message(() => runOrThrow(["sh", "-c", "echo because; exit 7"])),
  tooLong: message(() => run(["sleep", "30"], { timeoutSeconds: 0.2 })),
  errors: {
    read: message(() => readText(`${room}/nothing`)),
    readBytes: message(() => readBytes(`${room}/nothing`)),
    readDirectory: message(() => readText(room)),
    list: message(() => list(`${room}/nothing`)),
    write: message(() => writeText(`${room}/nothing/x`, "")),
    hardwareClock: message(() => host.setHardwareClock("/dev/null", 0)),
    discard: message(() => host.discard(`${room}/large`, 0, 4096)),
    findBytes: message(() => host.findBytes(`${room}/nothing`, new ArrayBuffer(1), 0, 1, 1)),
    mount: message(() => host.mount("none", `${room}/nothing`, "tmpfs", 0, "")),
    loadModule: message(() => host.loadModule(`${room}/nothing.ko`, "")),
    connect: message(() => host.tcpConnect("127.0.0.1", 1, 1000)),
    address: message(() => host.tcpConnect("not an address", 1, 1000)),
    udp: message(() => host.udpConnect("not an address", 1)),
    packet: message(() => host.packetOpen("nosuchif0", 0x88cc)),
    range: message(() => host.sha512(new ArrayBuffer(4), 2, 3)),
    noWords: message(() => host.switchRoot("/no/such/root", [])),
    tlsRead: message(() => host.tlsRead(99, new ArrayBuffer(1), 0, 1)),
    utf8: message(() => JSON.parse("nonsense")),
  },
};
removeTree(`${directory}/a`);
removeTree(`${directory}/a`);
print(JSON.stringify({ ...result, removed: !exists(`${directory}/a`) }));

import { createHash } from "node:crypto";
import type * as Native from "host";
import { currentKernel } from "../current.ts";
import type { Kernel } from "../kernel.ts";
import { readNvmeCommand } from "../storage/device-firmware.ts";
import { typeBits } from "../storage/inode.ts";
import type { Found } from "../storage/mount-table.ts";
import { fault, isFault, numberOf, textOf } from "../system/errno.ts";
import { randomBytes as makeRandomBytes } from "../system/random.ts";
import type { Trouble } from "../system/trouble.ts";

// biome-ignore lint/performance/noBarrelFile: the program under test imports one module `host`
export {
  attributesOf,
  createAt,
  dropAcls,
  dropRights,
  keepAttributes,
  linkAt,
  makeDirectoryAt,
  makeNodeAt,
  namesIn,
  openBeneath,
  openRoot,
  removeAt,
  renameAt,
  reopen,
  setAttribute,
  setMode,
  setModified,
  setOwner,
  sha512Begin,
  sha512End,
  sha512Feed,
  statOf,
  symlinkAt,
  targetOf,
} from "./beneath.ts";
export {
  objectsAdopt,
  objectsBegin,
  objectsEnd,
  objectsFeed,
  objectsForged,
  objectsForget,
  objectsKept,
} from "./objects.ts";
export { placeObject } from "./place.ts";

/**
 * Our native module on the fake host. Functions throw an Error that names the call and errno's text, as host.c does.
 */

type Text = string | ((what: string) => string);

function call<Result>(
  name: string,
  about: string,
  work: (kernel: Kernel, trouble: Trouble | undefined) => Result,
  says: Text = name === about || about === "" ? name : `${name} ${about}`,
): Result {
  const kernel = currentKernel();
  try {
    return kernel.cpu.call(name, about, (trouble) => work(kernel, trouble));
  } catch (error) {
    if (!isFault(error)) throw error;
    throw new Error(`${says}: ${textOf(numberOf(error.errno))}`);
  }
}

function aboutOf(fd: number): string {
  const { files, cpu } = currentKernel();
  return files.get(cpu.current(), fd).about;
}
const fileOf = (kernel: Kernel, fd: number) => kernel.files.get(kernel.cpu.current(), fd);

/** The object at a path, which can be changed. */
function changeable(kernel: Kernel, path: string): Found & { readonly inode: NonNullable<Found["inode"]> } {
  const found = kernel.mounts.find(path, true);
  if (found.inode === undefined) throw fault("ENOENT");
  if (found.mount.readOnly) throw fault("EROFS");
  return { ...found, inode: found.inode };
}

/** All are looked at: reading waits on this host, as long as the other side takes. */
export const readable: typeof Native.readable = (descriptors) => 2 ** (descriptors.byteLength / 4) - 1;

export const tcpConnect: typeof Native.tcpConnect = (ipv4, port, timeoutMs) =>
  call(
    "tcpConnect",
    `${ipv4}:${port}`,
    (kernel) => kernel.files.add(kernel.cpu.current(), kernel.nic.connect(`${ipv4}:${port}`, timeoutMs)),
    `tcpConnect ${ipv4} port ${port}`,
  );

/** Here a session is the descriptor of its socket. */
export const tlsOpen: typeof Native.tlsOpen = (fd, caPem, serverName) =>
  call(
    "tlsOpen",
    aboutOf(fd),
    (kernel) => {
      const refusal = fileOf(kernel, fd).peer?.tls(caPem, serverName);
      if (refusal !== undefined) throw new Error(`TLS handshake: ${refusal}`);
      return fd;
    },
    "TLS handshake",
  );

export const tlsRead: typeof Native.tlsRead = (handle, buffer, offset, length) =>
  call(
    "tlsRead",
    aboutOf(handle),
    (kernel, trouble) => {
      const view = new Uint8Array(buffer, offset, trouble?.kind === "short" ? Math.min(trouble.bytes, length) : length);
      const count = fileOf(kernel, handle).read?.(view) ?? 0;
      if (trouble?.kind !== "garbles") return count;
      const changed = trouble.change(view.slice(0, count)).subarray(0, count);
      view.set(changed);
      return changed.length;
    },
    "tlsRead",
  );

export const tlsWrite: typeof Native.tlsWrite = (handle, buffer, offset, length) =>
  call(
    "tlsWrite",
    aboutOf(handle),
    (kernel) => void fileOf(kernel, handle).write?.(new Uint8Array(buffer, offset, length)),
    "tlsWrite",
  );

export const tlsClose: typeof Native.tlsClose = (handle) =>
  call("tlsClose", aboutOf(handle), (kernel) => kernel.files.close(kernel.cpu.current(), handle));

export const udpConnect: typeof Native.udpConnect = (ipv4, port) =>
  call("udpConnect", `${ipv4}:${port}`, (kernel) =>
    kernel.files.add(kernel.cpu.current(), kernel.nic.openDatagrams(`${ipv4}:${port}`)),
  );

export const packetOpen: typeof Native.packetOpen = (interfaceName, etherType) =>
  call("packetOpen", interfaceName, (kernel) =>
    kernel.files.add(kernel.cpu.current(), kernel.nic.openPackets(interfaceName, etherType)),
  );

export const packetSend: typeof Native.packetSend = (fd, frame) =>
  call("packetSend", aboutOf(fd), (kernel) => fileOf(kernel, fd).frames?.send(new Uint8Array(frame)), "packetSend");

export const packetReceive: typeof Native.packetReceive = (fd, timeoutMs) =>
  call(
    "packetReceive",
    aboutOf(fd),
    (kernel, trouble) => {
      const frame = fileOf(kernel, fd).frames?.receive(timeoutMs);
      if (frame === undefined) return undefined;
      return Uint8Array.from(trouble?.kind === "garbles" ? trouble.change(frame) : frame).buffer;
    },
    "packetReceive",
  );

export const mdRejoin: typeof Native.mdRejoin = (array, member) =>
  call("mdRejoin", member, ({ arrays }) => arrays.rejoin(array, member), `mdRejoin ${array}: ${member}`);

export const setPrivateFlag: typeof Native.setPrivateFlag = (name, flag) =>
  call("setPrivateFlag", `${name} ${flag}`, ({ board }) => board.facts.nicDriver === "i40e");
export const linkSettings: typeof Native.linkSettings = (name) =>
  call("linkSettings", name, ({ board }) => {
    const { speedMbps = 0, supported = [], partner = [] } = board.facts.link ?? {};
    const setOf = (bits: readonly number[]) => {
      const set = new Uint8Array(12);
      for (const bit of bits) set[bit >> 3] = (set[bit >> 3] ?? 0) | (1 << (bit & 7));
      return set.buffer;
    };
    return {
      speedMbps,
      halfDuplex: false,
      supported: setOf(supported),
      advertised: setOf(supported),
      partner: setOf(partner),
    };
  });
export const interfaceUp: typeof Native.interfaceUp = (name) =>
  call("interfaceUp", name, (kernel) => (name === "eth0" ? kernel.nic.up() : undefined));
export const interfaceAddress: typeof Native.interfaceAddress = (name, ipv4, prefixLength) =>
  call("interfaceAddress", `${name} ${ipv4}/${prefixLength}`, (kernel) => kernel.nic.setAddress(ipv4));
export const defaultRoute: typeof Native.defaultRoute = (gateway) => call("defaultRoute", gateway, () => undefined);

export const mount: typeof Native.mount = (source, target, type, flags) =>
  call(
    "mount",
    target,
    (kernel) => kernel.mount({ source, target, type, flags }),
    `mount ${source} on ${target} as ${type}`,
  );

export const unmount: typeof Native.unmount = (target) =>
  call("unmount", target, (kernel) => {
    const { path } = kernel.mounts.find(target, true);
    kernel.mounts.at(path)?.fileSystem.sync();
    kernel.mounts.change(path, undefined);
  });

export const switchRoot: typeof Native.switchRoot = (newRoot, argv) =>
  call("switchRoot", newRoot, (kernel) => {
    kernel.mounts.pivot(newRoot);
    const [program = ""] = argv;
    if (kernel.mounts.find(program, true).inode === undefined) throw fault("ENOENT");
    return kernel.cpu.end({ kind: "switchedRoot", argv });
  });

export const reboot: typeof Native.reboot = (how) =>
  call("reboot", how, (kernel) => {
    kernel.sync();
    return kernel.cpu.end({ kind: "restarted", how });
  });

export const sync: typeof Native.sync = () => call("sync", "", (kernel) => kernel.sync());
/** Its process takes as long as the trouble of its first call says (`runsFor`). */
export const syncWithin: typeof Native.syncWithin = (milliseconds) =>
  call("sync", "", (kernel, trouble) => {
    const { cpu } = kernel;
    const beganMs = cpu.monotonicMs();
    const endMs = kernel.syncEndsMs ?? beganMs + (trouble?.kind === "runsFor" ? trouble.milliseconds : 0);
    const leftMs = Math.max(0, endMs - beganMs);
    kernel.syncEndsMs = leftMs > milliseconds ? endMs : undefined;
    cpu.advance(Math.min(leftMs, milliseconds));
    if (leftMs > milliseconds) return false;
    kernel.sync();
    return true;
  });
export const fsync: typeof Native.fsync = (fd) =>
  call("fsync", aboutOf(fd), (kernel) => fileOf(kernel, fd).sync?.(), "fsync");

export const loadModule: typeof Native.loadModule = (path) =>
  call("loadModule", path, (kernel) => {
    if (kernel.mounts.find(path, true).inode === undefined) throw fault("ENOENT");
    kernel.loadModule((path.split("/").pop() ?? "").replace(/\.ko$/, "").replace(/-/g, "_"));
  });

export const watchdogTimeout: typeof Native.watchdogTimeout = (fd, seconds) =>
  call(
    "watchdogTimeout",
    aboutOf(fd),
    (kernel) => {
      const { setTimeout } = fileOf(kernel, fd);
      if (setTimeout === undefined) throw fault("ENOTTY");
      setTimeout(seconds);
      return seconds;
    },
    "watchdogTimeout",
  );

export const setImmutable: typeof Native.setImmutable = (path, on) =>
  call("setImmutable", path, (kernel) => {
    const { mount: at, inode } = changeable(kernel, path);
    at.fileSystem.setAttributes(inode, { immutable: on });
  });

export const rereadPartitions: typeof Native.rereadPartitions = (path) =>
  call("rereadPartitions", path, (kernel) => kernel.blocks.rereadPartitions(path));
export const flushDeviceCache: typeof Native.flushDeviceCache = (path) =>
  call("flushDeviceCache", path, (kernel) => kernel.blocks.get(path)?.flush());

export const findBytes: typeof Native.findBytes = (path, bytes, first, stride, count) =>
  call("findBytes", path, (kernel) => {
    const device = kernel.blocks.get(path);
    if (device === undefined) throw fault("ENOENT");
    return Array.from({ length: count }, (_, index) => first + index * stride).filter(
      (at) => at + bytes.byteLength <= device.sizeBytes && Buffer.from(bytes).equals(device.read(at, bytes.byteLength)),
    );
  });

export const discard: typeof Native.discard = (path, offset, bytes) =>
  call("discard", path, (kernel, trouble) => {
    const device = kernel.blocks.get(path);
    if (device === undefined) throw fault("ENOENT");
    if (!kernel.board.facts.discards) throw fault("EOPNOTSUPP");
    if (trouble?.kind !== "forgets") device.discard?.(offset, bytes);
  });

const nameIn = (path: string) => path.slice("/dev/".length);

export const nvmeAdmin: typeof Native.nvmeAdmin = (path, command, data) =>
  call("nvmeAdmin", path, ({ board, blocks, cpu }) => {
    if (blocks.get(path) === undefined) throw fault("ENOENT");
    const device = board.devices.get(nameIn(path))?.nvmeAdmin;
    if (device === undefined) throw fault("ENOTTY");
    const { tookMs = 0, ...answer } = device(readNvmeCommand(command), new Uint8Array(data), cpu.worldMs());
    cpu.advance(tookMs);
    return answer;
  });

export const scsiCommand: typeof Native.scsiCommand = (path, cdb, data) =>
  call("scsiCommand", path, ({ board, blocks, cpu }) => {
    if (blocks.get(path) === undefined) throw fault("ENOENT");
    const device = board.devices.get(nameIn(path))?.scsi;
    if (device === undefined) throw fault("ENOTTY");
    const answer = device(new Uint8Array(cdb), new Uint8Array(data), cpu.worldMs());
    const { status, sense, bytes = data.byteLength, tookMs = 0 } = answer;
    cpu.advance(tookMs);
    return { status, transport: 0, bytes, sense: Uint8Array.from(sense).buffer };
  });

export const statfs: typeof Native.statfs = (path) =>
  call("statfs", path, (kernel) => {
    const freeBytes = kernel.mounts.find(path, true).mount.fileSystem.freeBytes();
    return { totalBytes: freeBytes, freeBytes, freeInodes: 1_000_000 };
  });

export const setTime: typeof Native.setTime = (unixMs) =>
  call("setTime", "", (kernel) => kernel.cpu.setRealtime(unixMs));
export const setHardwareClock: typeof Native.setHardwareClock = (device, unixMs) =>
  call("setHardwareClock", device, ({ board, cpu }) => {
    board.rtcSkewMs += Math.floor(unixMs / 1000) * 1000 - cpu.realtimeMs();
  });
/** The fake host is an amd64 machine. */
export const architecture: typeof Native.architecture = () => "amd64";

export const monotonicMs: typeof Native.monotonicMs = () => call("monotonicMs", "", ({ cpu }) => cpu.monotonicMs());
export const randomBytes: typeof Native.randomBytes = (count) =>
  call("randomBytes", "", ({ chance }) => {
    if (count > 256) throw new Error(`randomBytes: expected a count of 0 to 256, found ${count}`);
    return makeRandomBytes(chance, count).buffer;
  });
export const hostname: typeof Native.hostname = (name) =>
  call("hostname", name, (kernel) => {
    kernel.hostname = name;
  });

const hexDigest = (algorithm: "sha256" | "sha512", bytes: Uint8Array) =>
  createHash(algorithm).update(bytes).digest("hex");
export const sha256: typeof Native.sha256 = (buffer, offset, length) =>
  hexDigest("sha256", new Uint8Array(buffer, offset, length));
export const sha256File: typeof Native.sha256File = (path) =>
  call("sha256File", path, (kernel) => hexDigest("sha256", kernel.readFile(path)));
export const sha256TwoFiles: typeof Native.sha256TwoFiles = (first, second) =>
  call("sha256TwoFiles", `${first} ${second}`, (kernel) => {
    const before = kernel.readFile(first);
    return hexDigest("sha256", Buffer.concat([before, Buffer.alloc(-before.length & 3), kernel.readFile(second)]));
  });
export const sha512: typeof Native.sha512 = (buffer, offset, length) =>
  hexDigest("sha512", new Uint8Array(buffer, offset, length));
export const sha512File: typeof Native.sha512File = (path) =>
  call("sha512File", path, (kernel) => hexDigest("sha512", kernel.readFile(path)));

export const chmod: typeof Native.chmod = (path, mode) =>
  call("chmod", path, (kernel) => {
    const { mount: at, inode } = changeable(kernel, path);
    at.fileSystem.setAttributes(inode, { mode: (inode.mode & typeBits.mask) | mode });
  });
export const cpuTest: typeof Native.cpuTest = (seconds, notify) =>
  call("cpuTest", "", ({ cpu }, trouble) => {
    takeTime(cpu, seconds, notify);
    return { hashesPerSecond: 10_000, slowestPerSecond: seconds < 5 ? 0 : 9000, agreed: trouble?.kind !== "garbles" };
  });
export const memoryTest: typeof Native.memoryTest = (mebibytes, rounds, seconds, notify) =>
  call("memoryTest", "", ({ cpu }, trouble) => {
    const wholeSeconds = (mebibytes * rounds) / 4000;
    const took = seconds === 0 ? wholeSeconds : Math.min(seconds, wholeSeconds);
    takeTime(cpu, took, notify);
    const isWrong = trouble?.kind === "garbles";
    return {
      ...{ mebibytesPerSecond: 4000, testedMebibytes: Math.min(mebibytes, took * 4000), wrongWords: isWrong ? 3 : 0 },
      firstWrong: isWrong ? [wrongWord] : [],
    };
  });

const wrongWord = {
  ...{ offset: 4096, physical: "0x0000000123456788", pattern: "checkerboard" },
  ...{ expected: "0x5555555555555555", found: "0x5555555555555557", again: "0x5555555555555557" },
};

/** Time passes in pieces of five seconds, as the real tests say it. */
function takeTime(cpu: Kernel["cpu"], seconds: number, notify: ((share: number) => void) | undefined): void {
  const pieceSeconds = 5;
  for (let passed = 0; passed < seconds; passed += pieceSeconds) {
    cpu.advance(Math.min(pieceSeconds, seconds - passed) * 1000);
    if (passed + pieceSeconds < seconds) notify?.((passed + pieceSeconds) / seconds);
  }
}

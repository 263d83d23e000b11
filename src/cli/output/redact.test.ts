import assert from "node:assert/strict";
import { test } from "node:test";
import type { PacketView } from "../../contract/operator/views.ts";
import { factsWithoutSecrets, packetWithoutSecrets, withoutSecrets } from "./redact.ts";

const secret = "0123456789abcdef".repeat(4);

test("the server's secrets and what is named one are removed; hashes of files and other words stay", () => {
  const rows = [
    `kernel birther.token=${secret} birther.mac=02:00:00:00:00:01`,
    `m-020000000001.${secret}`,
    "authorization: Bearer abc.def",
    "http://admin:hunter2@10.77.0.1/redfish",
    'password: "hunter2"',
    "snmp community=hunter2",
  ];
  for (const row of rows) assert.doesNotMatch(withoutSecrets(row), /hunter2|abc\.def|0123456789abcdef/, row);
  assert.match(withoutSecrets(rows[0] ?? ""), /birther\.mac=02:00/);
  const plain = `object ${"ab".repeat(64)}: port swp7, the token expired`;
  assert.equal(withoutSecrets(plain), plain);
});

test("keys of JSON that name a secret lose their text at any depth", () => {
  assert.deepEqual(factsWithoutSecrets({ a: [{ tokenHash: "short", port: 7, step: secret }] }), {
    a: [{ tokenHash: "removed", port: 7, step: "x".repeat(64) }],
  });
});

test("packets: a piece of a file keeps its header only; a secret in a request is overwritten in its place", () => {
  const packet = (protocol: PacketView["protocol"], payload: string): PacketView => ({
    ...{ atMs: 0, direction: "out", protocol, kind: "k", facts: [secret] },
    ...{ source: { address: "10.77.0.1", port: 69 }, destination: { address: "10.77.0.2", port: 2000 } },
    bytes: Buffer.from(payload, "latin1").toString("base64"),
  });
  const payloadOf = (given: PacketView) => Buffer.from(packetWithoutSecrets(given).bytes, "base64").toString("latin1");
  assert.equal(payloadOf(packet("tftp", "\0\x03\0\x01set token=abc")), "\0\x03\0\x01");
  assert.equal(payloadOf(packet("dhcp", `\x01\xff${secret}\0`)), `\x01\xff${"x".repeat(64)}\0`);
  assert.deepEqual(packetWithoutSecrets(packet("dhcp", "")).facts, ["x".repeat(64)]);
});

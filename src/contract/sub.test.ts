import assert from "node:assert/strict";
import { test } from "node:test";
import * as v from "valibot";
import { directive, subPollRequest, subSettings } from "./sub.ts";

const settings = {
  machineId: "m-525400b10001",
  mdb: "10.77.1.1:443",
  serverName: "birther",
  token: "secret",
  http: "10.77.1.1:80",
  mac: "52:54:00:b1:00:01",
  firmware: "uefi",
  root: { kind: "luks2", partUuid: "6f3c1b0e-0d5a-4c53-9d3e-b1a7c0ffee01", keyVariable: "BirtherDiskKey-1" },
  boot: { partUuid: "6f3c1b0e-0d5a-4c53-9d3e-b1a7c0ffee02" },
};
const poll = {
  protocol: 2,
  machineId: "m-1",
  running: "birth",
  kernel: "6.1",
  rebootPending: false,
  secondsSinceCheck: 1,
  freeBytes: 1,
};
const hash = "0".repeat(128);

test("sub messages: what is right passes unchanged", () => {
  assert.deepEqual(v.parse(subSettings, settings), settings);
  assert.deepEqual(v.parse(subPollRequest, poll), poll);
  const update = {
    kind: "update",
    image: "compute/1",
    steps: [{ kind: "placeFile", path: "/a", mode: 0o644, uid: 0, gid: 0, mtimeMs: -1000, size: 0, sha512: "" }],
    kernelChanged: false,
    blocked: [],
  };
  assert.deepEqual(v.parse(directive, update), update);
});

test("sub messages: a root whose key is in the TPM has a kind of its own, which is never taken for a key in a variable", () => {
  const { partUuid } = settings.root;
  const inTpm = { ...settings, root: { kind: "luks2-tpm", partUuid, tpmIndex: 0x01b1_7e40 } };
  assert.deepEqual(v.parse(subSettings, inTpm), inTpm);
  const mirror = { ...settings, root: { kind: "mirror", members: [partUuid, partUuid], luks2: { tpmIndex: 1 } } };
  assert.deepEqual(v.parse(subSettings, mirror), mirror);
  assert.throws(() => v.parse(subSettings, { ...inTpm, root: { ...inTpm.root, kind: "luks2" } }), /keyVariable/);
});

test("sub messages: a poll of an agent that was installed before there was a protocol number is of protocol 1", () => {
  const { protocol: _none, ...former } = poll;
  assert.deepEqual(v.parse(subPollRequest, former), { ...former, protocol: 1 });
});

test("sub messages: keys that a newer version added are read past", () => {
  assert.deepEqual(v.parse(subPollRequest, { ...poll, surprise: 1 }), poll);
  assert.deepEqual(v.parse(subSettings, { ...settings, boot: { ...settings.boot, surprise: 1 } }), settings);
});

const wrong: readonly (readonly [title: string, schema: v.GenericSchema, value: unknown])[] = [
  ["settings without a root", subSettings, { ...settings, root: undefined }],
  ["a root of an unknown kind", subSettings, { ...settings, root: { kind: "raid" } }],
  ["a name for an address", subSettings, { ...settings, http: "server:80" }],
  ["a protocol before the first", subPollRequest, { ...poll, protocol: 0 }],
  ["a hash that is too short", directive, { kind: "fetch", objects: [{ sha512: "00", size: 1 }] }],
  [
    "a relative path",
    directive,
    { kind: "update", image: "a/1", steps: [{ kind: "removeFile", path: "etc" }], kernelChanged: false, blocked: [] },
  ],
  [
    "file type bits in a file's mode",
    directive,
    {
      kind: "update",
      image: "a/1",
      steps: [{ kind: "makeDirectory", path: "/a", mode: 0o40755, uid: 0, gid: 0 }],
      kernelChanged: false,
      blocked: [],
    },
  ],
  ["a negative size", directive, { kind: "fetch", objects: [{ sha512: hash, size: -1 }] }],
];
for (const [title, schema, value] of wrong) {
  test(`sub messages: ${title} is refused`, () => assert.equal(v.safeParse(schema, value).success, false));
}

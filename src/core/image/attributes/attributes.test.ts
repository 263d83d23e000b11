import assert from "node:assert/strict";
import { test } from "node:test";
import { bytesFromHex, hexFromBytes } from "../../bytes/text.ts";
import { faultOfTreeAttributes, type Inode, type SeenInode } from "../tree.ts";
import { compareTree } from "../update/compare.ts";
import { readAcl, readAclText } from "./acl.ts";
import { type Attributes, faultOfAttributes, maxImageAttributeBytes } from "./attributes.ts";
import { carryAttributes } from "./carry.ts";

const bytes = (hex: string) => bytesFromHex(hex) ?? new Uint8Array();
/** u::rw- u:4242:rw- g::r-- m::rw- o::r--, as the kernel returns it. */
const list = "02000000 01000600ffffffff 0200060092100000 04000400ffffffff 10000600ffffffff 20000400ffffffff".replaceAll(
  " ",
  "",
);

test("attributes: a list as text, in the forms of GNU tar and star, is the one that the kernel returns", () => {
  for (const text of [
    "user::rw-\nuser:4242:rw-\ngroup::r--\nmask::rw-\nother::r--\n",
    "u::rw-,g::r--,o::r--,m::rw-,user:lisa:rw-:4242",
    "user::rw-\nuser:4242:rw-\t#effective:rw-\ngroup::r--\nmask::rw-\nother::r--",
  ]) {
    const acl = readAclText(text);
    assert.equal(acl && hexFromBytes(acl.bytes), list, text);
    assert.equal(acl?.mode, 0o664);
  }
  assert.equal(readAclText("user::rwx,group::r-x,other::---")?.isMode, true);
});

test("attributes: a list that the kernel would refuse, or that names nobody, is not carried", () => {
  for (const text of [
    ...["", "user::rw-", "user::rw-,group::r--,other::r--,user:7:rw-", "user::rwz,group::r--,other::r--"],
    ...["user::rw-,group::r--,other::r--,mask::rw-,user:lisa:rw-", "user::rw-,user::r--,group::r--,other::r--"],
    "user::rw-,group::r--,other::r--,mask::rwx,user:5:r--,user:5:rw-",
    "user::rw-,group::r--,other::r--,mask::rwx,user:4294967295:r--",
  ])
    assert.equal(readAclText(text), undefined, text);
  for (const hex of ["", "02", "01000000", `${list}00`, list.slice(0, 24), list.replace("10000600", "10000f00")])
    assert.equal(readAcl(bytes(hex)), undefined, hex);
  const { left } = carryAttributes("regular", [
    { name: "system.posix_acl_access", value: "user::rw-,group::r--,other::r--,mask::rw-,user:lisa:rw-" },
  ]);
  assert.deepEqual(left, ["system.posix_acl_access (without numbers of users)"]);
});

test("attributes: they are carried in the form in which a machine reports them", () => {
  const three = "01000003 00200000 00000000 00000000 00000000 00000000".replaceAll(" ", "");
  const shuffled = `${list.slice(0, 8)}${list.slice(24, 40)}${list.slice(8, 24)}${list.slice(40)}`;
  const { attributes, permissions, left } = carryAttributes("regular", [
    { name: "user.b", value: bytes("00ff") },
    { name: "system.posix_acl_access", value: bytes(shuffled) },
    { name: "security.capability", value: bytes(three) },
    { name: "security.selinux", value: bytes("00") },
    { name: "user.ünder", value: bytes("00") },
  ]);
  assert.deepEqual(attributes, [
    ["security.capability", "0100000200200000000000000000000000000000"],
    ["system.posix_acl_access", list],
    ["user.b", "00ff"],
  ]);
  assert.equal(permissions, 0o664);
  assert.deepEqual(left, ["security.selinux", "user.ünder"]);
});

test("attributes: what a kind of file cannot have, or is too large, is left out by name", () => {
  const capability = { name: "security.capability", value: bytes("01000002".padEnd(40, "0")) };
  const of = (kind: "directory" | "regular" | "symlink" | "special") =>
    carryAttributes(kind, [capability, { name: "user.a", value: bytes("00") }]).left;
  assert.deepEqual(of("directory"), ["security.capability"]);
  assert.deepEqual(of("symlink"), ["security.capability", "user.a"]);
  assert.deepEqual(of("special"), ["security.capability", "user.a"]);
  const many = Array.from({ length: 40 }, (_, n) => ({ name: `user.n${n}`, value: new Uint8Array(n) }));
  const { attributes = [], left } = carryAttributes("regular", [
    ...many,
    { name: "user.x", value: new Uint8Array(9000) },
  ]);
  assert.equal(attributes.length, 32);
  assert.ok(left.includes("user.x (too large)") && left.length === 9);
  assert.equal(faultOfAttributes(attributes), undefined);
});

test("attributes: a manifest with other names, another order or too many bytes is refused", () => {
  assert.match(faultOfAttributes([["security.selinux", ""]]) ?? "", /none that an image carries/);
  assert.match(
    faultOfAttributes([
      ["user.b", ""],
      ["user.a", ""],
    ]) ?? "",
    /out of order/,
  );
  assert.match(faultOfAttributes([["user.a", "00".repeat(4000)]]) ?? "", /more than/);
  const full: Inode = { ...directory, attributes: [["user.a", "00".repeat(3000)]] };
  const inodes = Array.from({ length: Math.ceil(maxImageAttributeBytes / 3000) }, () => full);
  assert.match(faultOfTreeAttributes({ inodes, entries: [] }) ?? "", /expected at most 16777216 bytes/);
});

const directory = { kind: "directory", mode: 0o755, uid: 0, gid: 0 } as const;
const stepsFor = (input: {
  readonly have: SeenInode;
  readonly want: Attributes | undefined;
  readonly protocol?: number;
  readonly silent?: true;
}) => {
  const { have, want, protocol = 5, silent } = input;
  const inode: Inode = { ...directory, ...(want === undefined ? {} : { attributes: want }) };
  const image = {
    ...{ filter: [], tree: { inodes: [inode], entries: [["/a", 0] as const] } },
    ...(silent ? {} : { attributes: true as const }),
  };
  const seen = { have: { inodes: [have], entries: [["/a", 0] as const] }, objects: [], protocol };
  return compareTree(seen, image).plan.steps;
};

test("attributes: an update sets them if they differ, removes them, and asks nothing of agents that do not know them", () => {
  const one: Attributes = [["user.a", "00"]];
  const set = (attributes: Attributes) => [
    { kind: "setMetadata", path: "/a", uid: 0, gid: 0, mode: 0o755, attributes },
  ];
  assert.deepEqual(stepsFor({ have: directory, want: one }), set(one));
  assert.deepEqual(stepsFor({ have: { ...directory, attributes: one }, want: one }), []);
  assert.deepEqual(stepsFor({ have: { ...directory, attributes: one }, want: undefined }), set([]));
  assert.deepEqual(stepsFor({ have: { ...directory, attributes: one }, want: undefined, silent: true }), []);
  assert.deepEqual(stepsFor({ have: { ...directory, noAttributes: true }, want: one }), []);
  assert.deepEqual(stepsFor({ have: directory, want: one, protocol: 4 }), []);
});

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { test } from "node:test";
import { writeCpio } from "../../src/core/bytes/cpio.ts";
import { bootKernels, compareVersions, grubConfig } from "../../src/core/image/boot/grub.ts";
import { changesKernel } from "../../src/core/image/boot/kernel-change.ts";
import { type KeyProgram, unlockArchive } from "../../src/core/image/boot/unlock.ts";
import { mdSays, startingMembers } from "../../src/core/install/md-superblock.ts";

const names = [
  "vmlinuz-6.1.0-9-amd64",
  "initrd.img-6.1.0-9-amd64",
  "vmlinuz-6.1.0-10-amd64",
  "initrd.img-6.1.0-10-amd64",
  "vmlinuz-7.0",
  "grub",
];

test("kernels: those with an initrd, newest first, numbers compared as numbers", () => {
  assert.deepEqual(
    bootKernels(names).map((kernel) => kernel.version),
    ["6.1.0-10-amd64", "6.1.0-9-amd64"],
  );
  assert.equal(Math.sign(compareVersions("6.9", "6.10")), -1);
  assert.equal(compareVersions("6.1-a", "6.1-a"), 0);
  assert.equal(Math.sign(compareVersions("6.1", "6.1.1")), -1);
});

test("grub.cfg: an encrypted root gets the second initrd and our boot script", () => {
  const text = grubConfig({
    title: "compute/1",
    firmware: "uefi",
    root: { kind: "encrypted", mapping: "birther-root", unlockInitrd: "birther-unlock.img" },
    kernels: bootKernels(names),
  });
  assert.match(
    text,
    /linux \/vmlinuz-6\.1\.0-10-amd64 root=\/dev\/mapper\/birther-root boot=birther ro .*panic=30 watchdog\.stop_on_reboot=0\n/,
  );
  assert.match(text, /initrd \/initrd\.img-6\.1\.0-10-amd64 \/birther-unlock\.img\n/);
  assert.doesNotMatch(text, /serial --unit/);
});

test("grub.cfg: a plain root is named by its partition, and BIOS machines use the serial line", () => {
  const text = grubConfig({
    title: "it's",
    firmware: "bios",
    root: { kind: "plain", partUuid: "1-2" },
    kernels: bootKernels(names),
  });
  assert.match(text, /root=PARTUUID=1-2 ro/);
  assert.match(
    text,
    /set fallback=2\n(.*\n)*menuentry 'restart' \{\n.*\n {2}sleep 10\n {2}reboot\n/,
    "behind two kernels",
  );
  assert.match(text, /initrd \/initrd\.img-6\.1\.0-10-amd64\n/);
  assert.match(text, /terminal_output serial console/);
  assert.match(text, /menuentry 'its, Linux/);
});

test("kernel change: only changes that need a reboot", () => {
  const place = (path: string) => ({ kind: "placeSymlink", path, uid: 0, gid: 0, target: "x" }) as const;
  assert.equal(changesKernel([place("/boot/vmlinuz-6")]), true);
  assert.equal(changesKernel([place("/usr/lib/modules/6/modules.dep")]), true);
  assert.equal(changesKernel([{ kind: "removeFile", path: "/boot/vmlinuz-6" }]), true);
  assert.equal(changesKernel([{ kind: "removeFile", path: "/lib/modules/6/x.ko" }]), false, "after the restart");
  assert.equal(
    changesKernel([place("/etc/passwd"), { kind: "setMetadata", path: "/boot/vmlinuz-6", uid: 0, gid: 0 }]),
    false,
  );
});

const bytes = (text: string) => new TextEncoder().encode(text);

test("the second initrd is an archive that cpio reads, with its script last", () => {
  const archive = writeCpio(
    unlockArchive({
      partUuid: "dead-beef",
      modulesDep: "kernel/dm-mod.ko:\nkernel/dm-crypt.ko: kernel/dm-mod.ko\n",
      readModule: (path) => bytes(`module ${path}`),
      encryption: {
        ...{ keyVariable: "Key-1", keyBytes: 64, mapping: "birther-root", cryptsetup: bytes("binary") },
        libraries: [{ name: "ld-linux-x86-64.so.2", bytes: bytes("loader") }],
      },
    }),
  );
  const cpio = (...options: string[]) =>
    execFileSync("cpio", ["--quiet", ...options], { input: archive, encoding: "utf8" });
  assert.deepEqual(cpio("-t").trim().split("\n").slice(-4), [
    "birther/modules/10-dm-mod.ko",
    "birther/modules/11-dm-crypt.ko",
    "scripts",
    "scripts/birther",
  ]);
  const script = cpio("-i", "--to-stdout", "scripts/birther");
  assert.match(script, /for module in 10-dm-mod\.ko 11-dm-crypt\.ko; do/);
  assert.match(script, /ld-linux-x86-64\.so\.2 --library-path \/birther\/lib \/birther\/bin\/cryptsetup open/);
  execFileSync("sh", ["-n"], { input: script });
});

const ourProgram: KeyProgram = { native: bytes("native program"), script: bytes("script") };

/** The script of a second initrd that gets the key from our program, which must be in it. */
function scriptWithOurProgram(
  key:
    | { readonly fromTpm: KeyProgram }
    | { readonly keyVariable: string; readonly sealed: { readonly variable: string } & KeyProgram },
): string {
  const archive = writeCpio(
    unlockArchive({
      ...{ partUuid: "11111111-2222-4333-8444-555555555555", modulesDep: "", readModule: () => bytes("") },
      encryption: {
        ...{ ...key, keyBytes: 64, mapping: "root", cryptsetup: bytes("binary") },
        libraries: [{ name: "ld-linux-x86-64.so.2", bytes: bytes("loader") }],
      },
    }),
  );
  const cpio = (path: string) =>
    execFileSync("cpio", ["--quiet", "-i", "--to-stdout", path], { input: archive, encoding: "utf8" });
  assert.deepEqual(["birther/bin/birther-js", "birther/agent.js"].map(cpio), ["native program", "script"]);
  const script = cpio("scripts/birther");
  execFileSync("sh", ["-n"], { input: script });
  return script;
}

test("second initrd of a machine with a sealed key: our program gives the key to cryptsetup, which is never in a file", () => {
  const sealed = { variable: "Sealed-2", ...ourProgram };
  const script = scriptWithOurProgram({ keyVariable: "Key-1", sealed });
  const efivars = "/sys/firmware/efi/efivars";
  assert.ok(script.includes(`agent.js --unseal "${efivars}/Key-1" "${efivars}/Sealed-2" | DM_DISABLE_UDEV=1`), script);
  assert.match(script, /--key-file - --keyfile-size 64/);
});

test("second initrd of a machine whose key is in its TPM: our program reads it there, and the firmware's variables are not asked", () => {
  const script = scriptWithOurProgram({ fromTpm: ourProgram });
  assert.match(
    script,
    /birther-js \/birther\/agent\.js --tpm-key \| DM_DISABLE_UDEV=1 .* open --type luks2 \\\n\t+--key-file - /,
  );
  assert.ok(!script.includes("efivars"), script);
});

test("archive: sizes that are not multiples of four, and UTF-8 names", () => {
  for (const length of [0, 1, 2, 3, 4, 5]) {
    const archive = writeCpio([{ kind: "file", path: "ü", mode: 0o600, bytes: new Uint8Array(length).fill(97) }]);
    assert.equal(archive.length % 4, 0);
    const read = execFileSync("cpio", ["--quiet", "-i", "--to-stdout"], { input: archive, encoding: "utf8" });
    assert.equal(read, "a".repeat(length));
  }
});

/** A member's first 8 KiB: which numbers it says are there, and how often the array has changed. */
function memberHead(roles: readonly [number, number], events: number): Uint8Array {
  const head = new Uint8Array(8192);
  const view = new DataView(head.buffer);
  for (const [number, role] of roles.entries()) view.setUint16(mdSays.roles + 2 * number, role, true);
  view.setUint32(mdSays.events, events, true);
  return head;
}

test("the script of a mirrored root leaves out the member with older data, as init does", async (t) => {
  const directory = await mkdtemp(join(tmpdir(), "birther-mirror-script-"));
  t.after(() => rm(directory, { recursive: true }));
  const members = ["11111111-2222-4333-8444-555555555555", "66666666-2222-4333-8444-555555555555"];
  const archive = unlockArchive({ members, modulesDep: "", readModule: () => bytes("") });
  const script = archive.find(({ path }) => path === "scripts/birther");
  await writeFile(join(directory, "script"), script?.kind === "file" ? script.bytes : "");
  const [away, gone] = [0xfffe, 0xffff];
  // Bytes that are zero, line ends, and such as no text has.
  const counts = [1, 2, 0x0a00, 0x0a0a80ff, 0x0b000100];
  const firsts = [memberHead([0, 1], 2), ...counts.map((events) => memberHead([0, away], events))];
  const seconds = [memberHead([0, 1], 2), ...counts.map((events) => memberHead([gone, 1], events))];
  for (const [index, first] of firsts.entries())
    for (const [other, second] of seconds.entries()) {
      const names = [`first-${index}`, `second-${other}`];
      await writeFile(join(directory, names[0] ?? ""), first);
      await writeFile(join(directory, names[1] ?? ""), second);
      const paths = names.map((name) => relative("/dev", join(directory, name)));
      const text = `. ${directory}/script; found="$1 $2"; birther_choose "$1" "$2" >&2; echo $found`;
      const stdout = execFileSync("dash", ["-c", text, "dash", ...paths], { encoding: "utf8", stdio: "pipe" });
      const expected = startingMembers(first, second).map((number) => paths[number]);
      assert.equal(stdout.trim(), expected.join(" "), names.join(" and "));
    }
});

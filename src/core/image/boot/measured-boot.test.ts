import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { measureGrub } from "../../boot-loader/grub-measurements.ts";
import { judgeBoot, possibleBoots } from "./measured-boot.ts";
import { partitionConfig } from "./partition-config.ts";

const sha256 = (bytes: Uint8Array) => new Uint8Array(createHash("sha256").update(bytes).digest());

/** SHA-256 of the files of the boots below. */
const kernel = "26f2e57c99338feaf71c46fa4babdc7e1a6c115943002d109fdb746667104f5f";
const initrd = "b3727cf1deda2d12f8c8c831ac84dcc64adb34e3a50be9f35c1df2ffed1bcae9";
const otherInitrd = "0fcb721dd923b94138858555b48b67a189ab222b28e70171f8fd3ae3280d6efc";
const thirdInitrd = "d162f4fa359ecc619e9195e319a929ae1f7319e4e7b337385f149a899b481a98";
const unlock = "afea8c2a1f7ceb6692b3e881276fa455922f3dabc57ae120f83af7d9ed792e5a";
const digests = new Map([
  ["/kernels/k1/vmlinuz", kernel],
  ["/kernels/k1/initrd", initrd],
  ["/kernels/k1/unlock.img", unlock],
  ["/kernels/k2/vmlinuz", kernel],
  ["/kernels/k2/initrd", otherInitrd],
  ["/kernels/k2/unlock.img", unlock],
]);

/** The boot partition of a machine with an encrypted root; the kernel k2 is to be tried if it is there. */
function written(ids: readonly ("k1" | "k2")[], changed?: { readonly path: string; readonly sha256: string }) {
  const candidate = ids[1];
  const config = partitionConfig({
    firmware: "uefi",
    root: { kind: "encrypted", mapping: "root", unlockInitrd: "unlock.img" },
    kernels: ids.map((id) => ({ id, version: "6.1.0-56-amd64", kernel: "vmlinuz", initrd: "initrd", names: [] })),
    ...(candidate === undefined ? {} : { candidate }),
  });
  const fileSha256 = (path: string) =>
    (changed?.path === path ? changed.sha256 : digests.get(path)) ?? assert.fail(`read ${path}`);
  return { config, candidate, fileSha256, joinedSha256: () => initrd };
}

function boots(...of: Parameters<typeof written>) {
  const possible = possibleBoots(written(...of), sha256);
  return "unknown" in possible ? assert.fail(possible.unknown) : possible;
}

/**
 * PCR 8 and 9 after real boots of these boot partitions: OVMF 2022.11 in QEMU, swtpm 0.7.1, GRUB 2.06-13+deb12u2. `signed`: Debian's
 * shim and GRUB under Secure Boot, started at the fallback path. `byEntry`:
 * the same by our boot entry, with the third initrd. `trial`: k2 was marked. `afterTrial`: the boot after that one.
 */
const captured = {
  own: {
    pcr8: "d0e18e544d49706a823e144d9129be5383c9fd616e8f06b548e99fbf06b0d52f",
    pcr9: "b8029579f07da7db538e9fb85c474e0ad0381d70cd2e3220d731ccd1829a33ff",
  },
  signed: {
    pcr8: "88b8bf6da23b6b54080a9914845b796468eaf5e9516738892553ab2b65852306",
    pcr9: "a493e397b5e4484c3d3eaabcf6203ead7c0edec110af943693d96cfc3bbac450",
  },
  byEntry: {
    pcr8: "4e97d6216b119ec4fd635097403d53cf01ccb84581a41c148cc6972e59438e57",
    pcr9: "5f2bc8d8b7a35ab8179e44e25fde4eb030cf6d762701031ca4765f6861a06c15",
  },
  trial: {
    pcr8: "ca18ea8cb45c2ee258cc8d2ac07225a1c58a9905057026bd87244b79512ccfdc",
    pcr9: "4eb78e58f48eb020113a4451a942d5a532986eb0b0f60aecd80d9ed01ecf3573",
  },
  afterTrial: {
    pcr8: "9ff7774116d4ec18b7c04979d01757ff83163a45d151b5c26bd88401eb63c78b",
    pcr9: "4092b6151737ac0d7f3508db306152867cf04e28feefb3b4a1510a99ff6321c5",
  },
} as const;
const asWritten = { kind: "asWritten" } as const;

/**
 * A real boot by Debian's chain of shim 16.1 and GRUB 2.12-9+deb13u2, with Linux 6.1.0-57: OVMF 2022.11 in QEMU, swtpm 0.7.1. The
 * event log named the files, and what the EFI stub measured.
 */
const byStub = {
  boot: (changed: Partial<Record<"initrd" | "joined", string>> = {}) => {
    const id = "a90d1171e60c0cab62ceb6053553c065";
    const at = `/kernels/${id}`;
    const version = "6.1.0-57-cloud-amd64";
    const files = new Map([
      [`${at}/vmlinuz-${version}`, "1a7ac0c40b10b98353b6f85fa9a0d4f2703287979567e19629d35ad2d777d124"],
      [
        `${at}/initrd.img-${version}`,
        changed.initrd ?? "8fc8bc3b8ad258ddb1699624daf95aa10f24058af00ba992913d86ca941995b7",
      ],
      [`${at}/birther-unlock.img`, "a5bba3348b7154ce68cb9b0d88f890bb28439a8a928efc720ae0cd7fea744a09"],
    ]);
    const config = partitionConfig({
      firmware: "uefi",
      root: { kind: "encrypted", mapping: "birther-root", unlockInitrd: "birther-unlock.img" },
      kernels: [{ id, version, kernel: `vmlinuz-${version}`, initrd: `initrd.img-${version}`, names: [] }],
    });
    const fileSha256 = (path: string) => files.get(path) ?? assert.fail(`read ${path}`);
    const joinedSha256 = (paths: readonly string[]) => {
      assert.deepEqual(paths, [...files.keys()].slice(1));
      return changed.joined ?? "408b17e4718251084ed8a9501f3a7d854d38ad26fc5ff7bd93a9214bfadfeb2a";
    };
    const possible = possibleBoots({ config, candidate: undefined, fileSha256, joinedSha256 }, sha256);
    return "unknown" in possible ? assert.fail(possible.unknown) : possible;
  },
  pcrs: {
    pcr8: "e792ede5d45f844714956ad1a25eb8837b2f09e17b36aa1c97dccb0b7857572e",
    pcr9: "c38c8293f3c253efeb20c77e9143f9ab1440e7345eda6c1f06b531b1ccc70976",
  },
} as const;

test("GRUB 2.12 starts the kernel through its EFI stub, which measures command line and initrds once more", () => {
  assert.deepEqual(judgeBoot(byStub.boot(), byStub.pcrs, sha256), asWritten);
  const differs = { kind: "differs", pcrs: [9] } as const;
  assert.deepEqual(judgeBoot(byStub.boot({ initrd: otherInitrd }), byStub.pcrs, sha256), differs);
  assert.deepEqual(judgeBoot(byStub.boot({ joined: otherInitrd }), byStub.pcrs, sha256), differs);
});

test("what real boots have measured is what was expected of them", () => {
  for (const found of [captured.own, captured.signed])
    assert.deepEqual(judgeBoot(boots(["k1"]), found, sha256), asWritten);
  const third = { path: "/kernels/k1/initrd", sha256: thirdInitrd };
  assert.deepEqual(judgeBoot(boots(["k1"], third), captured.byEntry, sha256), asWritten);
  for (const found of [captured.trial, captured.afterTrial])
    assert.deepEqual(judgeBoot(boots(["k1", "k2"]), found, sha256), asWritten);
});

test("a changed initrd changes PCR 9; another configuration changes both; PCRs of two boots are of none", () => {
  const stranger = { path: "/kernels/k1/initrd", sha256: otherInitrd };
  for (const found of [captured.own, captured.signed])
    assert.deepEqual(judgeBoot(boots(["k1"], stranger), found, sha256), { kind: "differs", pcrs: [9] });
  const both = { kind: "differs", pcrs: [8, 9] } as const;
  assert.deepEqual(judgeBoot(boots(["k1", "k2"]), captured.own, sha256), both);
  const mixed = { pcr8: captured.trial.pcr8, pcr9: captured.afterTrial.pcr9 };
  assert.deepEqual(judgeBoot(boots(["k1", "k2"]), mixed, sha256), both);
  assert.deepEqual(judgeBoot([], captured.own, sha256), both);
});

test("a boot loader without measurements leaves PCR 8 as it was", () => {
  const found = { pcr8: "0".repeat(64), pcr9: "a".repeat(64) };
  assert.deepEqual(judgeBoot(boots(["k1"]), found, sha256), { kind: "notMeasured" });
});

test("a mark that GRUB cannot clear: the default kernel, and the commands of the attempt", () => {
  const run = { path: "/grub/grub.cfg", environment: new Map([["birther_try", "k2"]]) };
  const { config } = written(["k1", "k2"]);
  const measured = [true, false].map((canWrite) => measureGrub(config, { ...run, canWrite }));
  const [tried, not] = measured.map((each) => ("unknown" in each ? assert.fail(each.unknown) : each));
  const save = "save_env -f /grub/grubenv birther_try";
  assert.equal(tried?.commands[tried.commands.indexOf(save) + 1], "set default=1");
  assert.match(not?.commands[not.commands.indexOf(save) + 1] ?? "", /^menuentry Linux/);
  assert.deepEqual([tried?.files.at(-2), not?.files.at(-2)], ["/kernels/k2/initrd", "/kernels/k1/initrd"]);
});

test("a configuration that another program has written is not guessed at", () => {
  const odd = { ...written(["k1"]), config: "insmod ext2\nmenuentry 'x' {\n  chainloader /x\n}\n" };
  assert.deepEqual(possibleBoots(odd, sha256), { unknown: "insmod ext2" });
  assert.deepEqual(possibleBoots({ ...odd, config: "set default=3\n" }, sha256), { unknown: "set default" });
});

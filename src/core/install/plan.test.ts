import assert from "node:assert/strict";
import { test } from "node:test";
import { ip, macOf } from "../net/testing/addresses.ts";
import type { LayoutProfile } from "./layout-profile.ts";
import { type InstallInput, type InstallPlan, planInstall } from "./plan.ts";

const rootDisk = {
  path: "/dev/vda",
  model: "",
  serial: "S1",
  wwn: "",
  sizeBytes: 4 * 2 ** 30,
  rotational: false,
  removable: false,
  bus: "virtio",
};
const input: InstallInput = {
  firmware: "uefi",
  secureBoot: false,
  bySignedImage: false,
  keyPlace: { kind: "uefi-variable" },
  policy: {
    allowUnencrypted: true,
    minRootDiskMiB: 2048,
    espMiB: 64,
    bootMiB: 256,
    sealDiskKey: false,
    diskKeyInTpm: "fallback",
  },
  disk: rootDisk,
  disks: [rootDisk],
  diskWhy: "the only suitable disk",
  sectorBytes: 512,
  hostname: "r01u07",
  mac: macOf("52:54:00:00:00:07"),
  address: ip("10.77.1.71"),
  prefixLength: 24,
  gateway: ip("10.77.1.1"),
  nameservers: [],
};
const random = { bytes: (count: number) => new Uint8Array(count).fill(7) };

function planned(changes: Partial<InstallInput>): InstallPlan {
  const plan = planInstall({ ...input, ...changes }, random);
  if (plan.kind === "refused") assert.fail(plan.reason);
  return plan;
}

const noKey = { kind: "none", reason: "BIOS firmware has no variables" } as const;

test("sectors of 4096 bytes: a BIOS cannot start them, which is refused before a step; on UEFI the ESP has small clusters", () => {
  const refused = planInstall({ ...input, firmware: "bios", keyPlace: noKey, sectorBytes: 4096 }, random);
  assert.match(
    refused.kind === "refused" ? refused.reason : "",
    /cannot be started by a BIOS: expected sectors of 512/,
  );
  const argvOf = (sectorBytes: number, espMiB: number) => {
    const { steps } = planned({ sectorBytes, policy: { ...input.policy, espMiB } });
    const act = steps.find(({ id }) => id === "efiFileSystem")?.act;
    return act?.kind === "makeFileSystem" ? act.argv.slice(1, -3).join(" ") : "";
  };
  assert.deepEqual([argvOf(4096, 64), argvOf(4096, 257), argvOf(512, 64)], ["-F 16 -s 1", "-F 32 -s 1", "-F 32"]);
});

test("the steps of a birth with UEFI: keys before the disk is touched, the loader before the files", () => {
  assert.deepEqual(
    planned({}).steps.map((step) => step.id),
    [
      "fileSystemDrivers",
      "checkDisk",
      "discardKeys",
      "eraseHeaders",
      "discardDisk",
      "makeKeys",
      "eraseSignatures",
      "partition",
      "encryptRoot",
      "rootFileSystem",
      "bootFileSystem",
      "mountRoot",
      "mountBoot",
      "efiFileSystem",
      "mountEfi",
      "installLoader",
      "addBootEntry",
      "makeDirectories",
      "hostFiles",
      "enableServices",
      "copyAgent",
      "copyUnlocker",
      "sync",
    ],
  );
});

test("the steps of a birth with BIOS: no key, no ESP, GRUB in its own partition", () => {
  const plan = planned({ firmware: "bios", keyPlace: noKey });
  assert.deepEqual(
    plan.steps.map((step) => step.id),
    [
      "fileSystemDrivers",
      "checkDisk",
      "eraseHeaders",
      "discardDisk",
      "eraseSignatures",
      "partition",
      "rootFileSystem",
      "bootFileSystem",
      "mountRoot",
      "mountBoot",
      "installLoader",
      "makeDirectories",
      "hostFiles",
      "enableServices",
      "copyAgent",
      "sync",
    ],
  );
  assert.deepEqual(plan.storage.encryption, { kind: "none", reason: noKey.reason });
  assert.equal(plan.root.kind, "plain");
  assert.equal(plan.espPartUuid, undefined);
});

test("before keys are dropped and again before the table is written the disk is looked at, by all that is known of it", () => {
  const disk = { path: "/dev/vda", serial: "S1", wwn: "", sizeBytes: 4 * 2 ** 30 };
  const looks = planned({}).steps.flatMap(({ act }) =>
    act.kind === "checkDisk" || act.kind === "partition" ? [act.disk] : [],
  );
  assert.deepEqual(looks, [disk, disk]);
  assert.deepEqual(planned({}).storage.rootDisk, {
    ...disk,
    why: "the only suitable disk",
    recognition: { kind: "identity" },
  });
});

test("UEFI whose variables cannot be written: old keys are still discarded, the root is plain", () => {
  const names = planned({ keyPlace: noKey }).steps.map((step) => step.id);
  assert.ok(names.includes("discardKeys") && names.includes("efiFileSystem"));
  assert.ok(!names.includes("makeKeys") && !names.includes("encryptRoot"));
});

test("no place for a key and no permission to install without: refused, with what to change", () => {
  const plan = planInstall({ ...input, keyPlace: noKey, policy: { ...input.policy, allowUnencrypted: false } }, random);
  assert.match(
    plan.kind === "refused" ? plan.reason : "",
    /expected a place for the disk key, found none .*storage\.allowUnencrypted/,
  );
});

test("a key in the TPM: made there after the former one is destroyed, and never to be sealed", () => {
  const facts = { firmware: "bios", keyPlace: { kind: "tpm" }, erase: { tpm: { answers: true } } } as const;
  const plan = planned({ ...facts, policy: { ...input.policy, allowUnencrypted: false } });
  const acts = plan.steps.map(({ act }) => act.kind).filter((kind) => /Key|encrypt/.test(kind));
  assert.deepEqual(acts, ["discardTpmKey", "makeTpmKey", "encrypt"]);
  assert.deepEqual(plan.storage.encryption, { kind: "luks2", keyIn: "tpm" });
  const partUuid = plan.layout.partitions.at(-1)?.uuid;
  assert.deepEqual(plan.root, { kind: "luks2-tpm", partUuid, tpmIndex: 0x01b1_7e40 });
  const sealing = { kind: "possible", loader: { path: "/grub-tpm.efi", sha256: "c".repeat(64) } } as const;
  assert.deepEqual(planned({ ...facts, firmware: "uefi", sealing }).storage.encryption, {
    kind: "luks2",
    keyIn: "tpm",
  });
});

test("the storage report says whether the key is to be sealed, and why not", () => {
  const possible = { kind: "possible", loader: { path: "/grub-tpm.efi", sha256: "c".repeat(64) } } as const;
  const sealing = (facts: Partial<InstallInput>) => {
    const { storage, root } = planned(facts);
    return [storage.encryption.kind === "luks2" && storage.encryption.sealing, root.kind === "luks2" && root.seal];
  };
  assert.deepEqual(sealing({}), [undefined, undefined]);
  assert.deepEqual(sealing({ sealing: possible }), ["asked", { loaderSha256: "c".repeat(64) }]);
  assert.deepEqual(sealing({ sealing: possible, signedLoader }), ["debian-loaders", undefined]);
  const impossible = { kind: "impossible", cause: "tpm-silent" } as const;
  assert.deepEqual(sealing({ sealing: impossible }), ["tpm-silent", undefined]);
  assert.deepEqual(sealing({ sealing: possible, firmware: "bios", keyPlace: noKey }), [false, false]);
});

const signedLoader = {
  shim: { path: "/disk/shimx64.efi", sha512: "a".repeat(128) },
  grub: { path: "/disk/grubx64.efi", sha512: "b".repeat(128) },
};

test("Secure Boot and no signed loader: refused before anything is written, for the machine could not start afterwards", () => {
  const plan = planInstall({ ...input, secureBoot: true }, random);
  assert.match(plan.kind === "refused" ? plan.reason : "", /Secure Boot is on.*secureBoot: true/);
});

for (const secureBoot of [true, false])
  test(`a signed loader is installed where the order names one, Secure Boot ${secureBoot ? "on" : "off"}`, () => {
    const { steps } = planned({ secureBoot, signedLoader });
    const names = steps.map(({ id }) => id);
    assert.ok(names.indexOf("fetchLoader") < names.indexOf("discardKeys"), "before anything is lost");
    const written = steps.flatMap(({ act }) => {
      if (act.kind === "copyFiles") return act.files.map(({ to }) => to);
      return act.kind === "writeFiles" ? act.files.map(({ path }) => path) : [];
    });
    assert.deepEqual(
      written.filter((path) => path.startsWith("/mnt/boot/efi")),
      [
        "/mnt/boot/efi/EFI/debian/shimx64.efi",
        "/mnt/boot/efi/EFI/debian/grubx64.efi",
        "/mnt/boot/efi/EFI/BOOT/BOOTX64.EFI",
        "/mnt/boot/efi/EFI/BOOT/grubx64.efi",
        "/mnt/boot/efi/EFI/debian/grub.cfg",
      ],
    );
    const entry = steps.find(({ act }) => act.kind === "addBootEntry")?.act;
    assert.equal(entry?.kind === "addBootEntry" && entry.file, "\\EFI\\debian\\shimx64.efi");
  });

test("a BIOS machine has no use for signed loaders", () => {
  const names = planned({ firmware: "bios", keyPlace: noKey, signedLoader }).steps.map(({ id }) => id);
  assert.ok(!names.includes("fetchLoader") && !names.includes("configureLoader"));
});

test("every phase is reached once and in order, every step has a deadline, every name is its own", () => {
  const plan = planned({});
  assert.deepEqual(
    plan.steps.flatMap((step) => step.reaches ?? []),
    ["keysMade", "partitioned", "populated"],
  );
  assert.ok(plan.steps.every((step) => step.deadlineSeconds >= 60));
  assert.equal(new Set(plan.steps.map((step) => step.id)).size, plan.steps.length);
});

test("host files name this machine, its mounts by what the plan made, and its network by MAC", () => {
  const plan = planned({ nameservers: [ip("10.77.1.1")] });
  const act = plan.steps.find((step) => step.id === "hostFiles")?.act;
  const text = (path: string) => act?.kind === "writeFiles" && act.files.find((file) => file.path === path)?.text;
  assert.equal(
    text("/mnt/etc/fstab"),
    `/dev/mapper/birther-root / ext4 errors=remount-ro 0 1
PARTUUID=${plan.bootPartUuid} /var/lib/birther/boot ext4 nofail 0 2
PARTUUID=${plan.espPartUuid} /boot/efi vfat umask=0077,nofail 0 2
`,
  );
  assert.equal(text("/mnt/etc/hostname"), "r01u07\n");
  assert.match(text("/mnt/etc/hosts") || "", /^10\.77\.1\.71 r01u07$/m);
  assert.equal(
    text("/mnt/etc/systemd/network/10-birther.network"),
    `[Match]
MACAddress=52:54:00:00:00:07
Type=ether

[Network]
Address=10.77.1.71/24
Gateway=10.77.1.1
DNS=10.77.1.1
LLDP=yes
EmitLLDP=nearest-bridge
`,
  );
  assert.equal(text("/mnt/etc/resolv.conf"), "nameserver 10.77.1.1\n");
});

test("a plain root is mounted by its partition's UUID", () => {
  const plan = planned({ firmware: "bios", keyPlace: noKey });
  const act = plan.steps.find((step) => step.id === "hostFiles")?.act;
  assert.match(
    JSON.stringify(act),
    new RegExp(`PARTUUID=${plan.root.kind === "mirror" ? undefined : plan.root.partUuid} / ext4`),
  );
});

const dataDisk = { ...rootDisk, path: "/dev/vdb", serial: "S2", sizeBytes: 8 * 2 ** 30, sectorBytes: 4096 };
const formerDisk = { ...rootDisk, path: "/dev/vdc", serial: "S3" };
const profile: LayoutProfile = {
  ...{ name: "storage", swapMiB: 256 },
  volumes: [{ name: "docker", sizeMiB: 512, fileSystem: "ext4", mountPoint: "/var/lib/docker" }],
  data: [{ disks: {}, fileSystem: "ext4", mountPoint: "/srv/disk{n}", least: 1 }],
};
const [rule] = profile.data;
if (rule === undefined) assert.fail();
const withVolumes: Partial<InstallInput> = {
  ...{ profile, disks: [rootDisk, dataDisk, formerDisk], former: [formerDisk] },
  data: [{ disk: dataDisk, name: "data1", rule, mountPoint: "/srv/disk1" }],
};

test("volumes: all old keys and headers go before anything new is made; each volume has its key on the encrypted root", () => {
  const plan = planned(withVolumes);
  const acts = plan.steps.map(({ act }) => {
    const at = "disk" in act && typeof act.disk === "object" ? act.disk.path : "partition" in act ? act.partition : "";
    return `${act.kind} ${at}`.trim();
  });
  assert.deepEqual(acts.slice(1, 24), [
    "checkDisk /dev/vda",
    "checkDisk /dev/vdb",
    "discardKeys",
    "eraseHeaders /dev/vda",
    "eraseHeaders /dev/vdb",
    "eraseHeaders /dev/vdc",
    "discardDisk /dev/vda",
    "discardDisk /dev/vdb",
    "eraseSignatures /dev/vdb",
    "makeKey",
    "eraseSignatures /dev/vda",
    "partition /dev/vda",
    "encrypt /dev/vda3",
    "makeFileSystem",
    "makeFileSystem",
    "mount",
    "mount",
    "makeFileSystem",
    "mount",
    "makeKeyFile",
    "encrypt /dev/vda5",
    "makeFileSystem",
    "partition /dev/vdb",
  ]);
  assert.deepEqual(
    plan.steps.flatMap(({ act }) => (act.kind === "makeFileSystem" ? [act.device] : [])),
    [
      ...["/dev/mapper/birther-root", "/dev/vda2", "/dev/vda1"],
      ...["/dev/mapper/birther-docker", "/dev/mapper/birther-data1"],
    ],
  );
  const keys = plan.steps.flatMap(({ act }) => ("keyFile" in act ? [act.keyFile] : []));
  assert.deepEqual(keys, ["/mnt/etc/birther/volumes/docker.key", "/mnt/etc/birther/volumes/data1.key"]);
  assert.deepEqual(
    plan.volumes?.volumes.map(({ partUuid: _, ...volume }) => volume),
    [
      { name: "docker", fileSystem: "ext4", keyFile: keys[0]?.slice(4), mountPoint: "/var/lib/docker" },
      { name: "data1", fileSystem: "ext4", keyFile: keys[1]?.slice(4), mountPoint: "/srv/disk1" },
    ],
  );
  assert.deepEqual(
    [plan.storage.layout, plan.storage.volumes?.map(({ name, disk, sizeMiB }) => [name, disk.path, sizeMiB])],
    [
      "storage",
      [
        ["swap", "/dev/vda", 256],
        ["docker", "/dev/vda", 512],
        ["data1", "/dev/vdb", 8190],
      ],
    ],
  );
});

test("volumes: a data disk's own sectors count, and the file, the unit and its link are written", () => {
  const { steps } = planned(withVolumes);
  const scripts = steps.flatMap(({ act }) => (act.kind === "partition" ? [act.script] : []));
  assert.match(scripts[1] ?? "", /sector-size: 4096\n\nstart=256, size=2096640, .*name="birther-data1"/);
  assert.match(scripts[0] ?? "", /name="birther-root"\nstart=.*name="birther-swap"\nstart=.*name="birther-docker"/);
  const written = JSON.stringify(steps.map(({ act }) => act));
  for (const path of [
    "/mnt/etc/birther/volumes.json",
    "/mnt/etc/systemd/system/birther-volumes.service",
    "/mnt/etc/systemd/system/local-fs.target.wants/birther-volumes.service",
    "/mnt/srv/disk1",
    "/mnt/var/lib/docker",
  ])
    assert.ok(written.includes(`"${path}"`), path);
});

test("volumes: without a place for the root's key they are plain, and swap is encrypted all the same", () => {
  const plan = planned({ ...withVolumes, firmware: "bios", keyPlace: noKey });
  const kinds = plan.steps.map(({ act }) => act.kind);
  assert.ok(!kinds.includes("encrypt") && !kinds.includes("makeKeyFile"));
  assert.ok(plan.steps.some(({ id }) => id === "copyUnlocker"));
  assert.deepEqual(
    plan.steps.flatMap(({ act }) => (act.kind === "makeFileSystem" ? [act.device] : [])),
    ["/dev/vda3", "/dev/vda2", "/dev/vda5", "/dev/vdb1"],
  );
  assert.ok(plan.volumes?.volumes.every(({ keyFile }) => keyFile === undefined));
});

test("volumes: a root disk without room for the root beside them is refused, with what is needed", () => {
  const large = { ...profile, swapMiB: 2048 };
  const plan = planInstall({ ...input, ...withVolumes, profile: large }, random);
  assert.match(
    plan.kind === "refused" ? plan.reason : "",
    /^layout storage: \/dev\/vda is too small: expected 4608 MiB .*, found 4096 MiB$/,
  );
});

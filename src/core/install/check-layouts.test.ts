import assert from "node:assert/strict";
import { test } from "node:test";
import { checkLayoutNames, checkLayouts } from "./check-layouts.ts";
import type { LayoutProfile } from "./layout-profile.ts";

const base: LayoutProfile = { name: "storage", swapMiB: 0, volumes: [], data: [] };
const ext4 = { fileSystem: "ext4", least: 1, disks: {} } as const;

function volumesAt(...points: readonly string[]) {
  const volumes = points.map((mountPoint, index) => ({
    ...{ name: `v${index}`, sizeMiB: 64, mountPoint },
    fileSystem: "ext4" as const,
  }));
  return checkLayouts([{ ...base, volumes }]).map(({ path, expected }) => `${path}: ${expected}`);
}

test("a useful layout has no fault", () => {
  const layout: LayoutProfile = {
    ...{ name: "storage", swapMiB: 1024 },
    volumes: [
      { name: "docker", sizeMiB: 1024, fileSystem: "ext4", mountPoint: "/var/lib/docker" },
      { name: "home", sizeMiB: 1024, fileSystem: "ext4", mountPoint: "/home" },
      { name: "raw", sizeMiB: 1024, fileSystem: "none" },
    ],
    data: [
      { ...ext4, mountPoint: "/srv/fast{n}", disks: { bus: "nvme" } },
      { ...ext4, mountPoint: "/srv/slow{n}" },
    ],
  };
  assert.deepEqual(checkLayouts([base, { ...layout, name: "other" }]), []);
});

for (const path of [
  "/",
  "/var",
  "/var/lib",
  "/var/lib/birther/boot",
  "/etc",
  "/usr/local",
  "/boot",
  "/lib64",
  "/tmp/x",
])
  test(`no volume on ${path}, which the image, the kernel or the agent needs`, () => {
    assert.equal(volumesAt(path).length, 1);
  });

for (const path of ["srv", "/srv/", "/srv//x", "/srv/../etc", "/srv/.", "/srv/a b", "/srv/{n}{n}", "/srv/\u00e4"])
  test(`${JSON.stringify(path)} is no path of a volume`, () => {
    assert.match(volumesAt(path).join(), /^0\.volumes\.0\.mountPoint: an absolute path/);
  });

test("no two volumes at one path, nor one inside the other, whatever the numbers of disks", () => {
  const both = (one: string, other: string) =>
    checkLayouts([
      { ...base, data: [one, other].map((mountPoint) => ({ ...ext4, mountPoint, disks: { bus: "nvme" } })) },
    ]).length;
  for (const [one, other] of [
    ["/srv/a", "/srv/a"],
    ["/srv", "/srv/a"],
    ["/srv/disk{n}", "/srv/disk{n}"],
    ["/srv/disk{n}", "/srv/disk7"],
    ["/srv/disk{n}/x", "/srv/disk12"],
    ["/srv/d{n}", "/srv/d1{n}"],
  ] as const)
    assert.equal(both(one, other), 2, `${one} ${other}`);
  for (const [one, other] of [
    ["/srv/disk{n}", "/srv/diskette"],
    ["/srv/fast{n}", "/srv/slow{n}"],
    ["/srv/a{n}", "/srv/a{n}b"],
    ["/srv/a", "/srv/ab"],
  ] as const)
    assert.equal(both(one, other), 0, `${one} ${other}`);
});

test("names that are taken or there twice, mount points without file system and the other way round", () => {
  const volume = (name: string) => ({ name, sizeMiB: 64, fileSystem: "none" }) as const;
  const paths = (layout: LayoutProfile) => checkLayouts([layout]).map(({ path }) => path);
  for (const name of ["root", "swap", "data3"])
    assert.deepEqual(paths({ ...base, volumes: [volume(name)] }), ["0.volumes.0.name"]);
  assert.deepEqual(paths({ ...base, volumes: [volume("a"), volume("a")] }), ["0.volumes.1.name"]);
  assert.deepEqual(paths({ ...base, volumes: [{ ...volume("a"), mountPoint: "/srv" }] }), ["0.volumes.0.mountPoint"]);
  assert.deepEqual(paths({ ...base, data: [ext4] }), ["0.data.0.mountPoint"]);
  assert.deepEqual(paths({ ...base, data: [{ ...ext4, mountPoint: "/srv/x", disks: { model: "(" } }] }), [
    "0.data.0.disks.model",
  ]);
  const rest = [
    { ...ext4, mountPoint: "/srv/x{n}" },
    { ...ext4, mountPoint: "/srv/y" },
  ];
  assert.deepEqual(paths({ ...base, data: rest }), ["0.data.1.disks"], "no disk is left for the second rule");
  assert.deepEqual(paths({ ...base, data: [...rest].reverse() }), []);
  assert.deepEqual(
    checkLayouts([base, base]).map(({ path }) => path),
    ["1.name"],
  );
});

test("a volume that is too small for its file system", () => {
  const problems = (sizeMiB: number, fileSystem: "ext4" | "xfs") =>
    checkLayouts([{ ...base, volumes: [{ name: "a", sizeMiB, fileSystem, mountPoint: "/srv/a" }] }]);
  assert.deepEqual(problems(319, "xfs"), [
    { path: "0.volumes.0.sizeMiB", expected: "at least 320 MiB for xfs", found: "319" },
  ]);
  assert.deepEqual([problems(320, "xfs"), problems(64, "ext4")], [[], []]);
});

test("an image rule names a layout that is there", () => {
  const rules = [
    { image: "x", layout: "storage", when: {} },
    { image: "y", when: {} },
  ];
  assert.deepEqual(checkLayoutNames(rules, [base]), []);
  assert.deepEqual(checkLayoutNames(rules, []), [
    { path: "0.layout", expected: "a layout of storage.layouts (none)", found: "storage" },
  ]);
});

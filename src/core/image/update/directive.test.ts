import assert from "node:assert/strict";
import { test } from "node:test";
import { agentProtocol } from "../filter.ts";
import type { ImageManifest } from "../manifest.ts";
import { missingFromSystem } from "../system-check.ts";
import { decideFor, testManifestHash } from "../testing/decide.ts";
import { defaultSubPolicy, type SubReport, subPolicyFor } from "./directive.ts";

const hash = "ab".repeat(64);
const image: ImageManifest = {
  name: "compute/1",
  createdAtMs: 0,
  source: "test",
  filter: ["/etc/fstab$"],
  tree: {
    inodes: [
      { kind: "directory", mode: 0o755, uid: 0, gid: 0 },
      { kind: "regular", mode: 0o644, uid: 0, gid: 0, mtimeMs: 0, size: 5000, sha512: hash },
    ],
    entries: [
      ["/boot", 0],
      ["/boot/vmlinuz-6", 1],
    ],
  },
};
const born: SubReport = {
  protocol: agentProtocol,
  running: "birth",
  rebootPending: false,
  secondsSinceCheck: 0,
  freeBytes: 1e9,
};
const up: SubReport = {
  protocol: agentProtocol,
  running: "image",
  patchedImage: "compute/1",
  rebootPending: false,
  secondsSinceCheck: 5,
  freeBytes: 1e9,
};
/** The report of a machine that runs its image. */
const equal = {
  manifest: testManifestHash,
  assessment: {
    ...{ entries: 1000, steps: 0, removed: 0, kernelChanged: false, blocked: [] },
    // The image of this test is not a complete system either.
    lacks: missingFromSystem(image.tree),
    missing: { objects: 0, bytes: 0, diskBytes: 0 },
  },
  plan: { steps: [], missing: [] },
};
const emptyTree = { inodes: [], entries: [] };

const rows: readonly {
  readonly title: string;
  readonly report: SubReport;
  readonly image?: undefined;
  readonly required?: undefined;
  readonly held?: string;
  readonly failure?: string;
  readonly expect: Partial<ReturnType<typeof decideFor>>;
}[] = [
  { title: "a newborn is asked for its tree", report: born, expect: { kind: "report", filter: image.filter } },
  {
    title: "an empty sub fetches everything",
    report: { ...born, tree: emptyTree, objects: [] },
    expect: { kind: "fetch", objects: [{ sha512: hash, size: 5000 }] },
  },
  {
    title: "with all objects it updates",
    report: { ...born, tree: emptyTree, objects: [hash] },
    expect: { kind: "update", image: "compute/1", kernelChanged: true, blocked: [] },
  },
  {
    title: "updated, but still on the kernel of its birth: reboot",
    report: { ...born, patchedImage: "compute/1" },
    expect: { kind: "reboot", image: "compute/1" },
  },
  {
    title: "after the reboot nothing is to do, and no disk is read",
    report: up,
    expect: { kind: "wait", seconds: 30, reason: "runs compute/1", upToDate: true },
  },
  {
    title: "an update of the kernel in a running machine: reboot",
    report: { ...up, rebootPending: true },
    expect: { kind: "reboot", image: "compute/1" },
  },
  {
    title: "after an hour the machine compares its disk",
    report: { ...up, secondsSinceCheck: 3600 },
    expect: { kind: "compare", image: "compute/1", manifest: { sha512: testManifestHash, size: 1000 } },
  },
  {
    title: "an agent that cannot compare is asked for its tree",
    report: { ...up, protocol: 2, secondsSinceCheck: 3600 },
    expect: { kind: "report", filter: image.filter },
  },
  {
    title: "a comparison without differences: nothing to do",
    report: { ...up, secondsSinceCheck: 3600, comparison: equal },
    expect: { kind: "wait", seconds: 30, reason: "runs compute/1", upToDate: true },
  },
  {
    title: "a comparison with another manifest is repeated",
    report: { ...up, secondsSinceCheck: 3600, comparison: { ...equal, manifest: "d1".repeat(64) } },
    expect: { kind: "compare", image: "compute/1", manifest: { sha512: testManifestHash, size: 1000 } },
  },
  {
    title: "a small difference is mended as the machine planned it",
    report: {
      ...up,
      comparison: {
        ...equal,
        assessment: { ...equal.assessment, steps: 1, removed: 1 },
        plan: { steps: [{ kind: "removeFile", path: "/stray" }], missing: [] },
      },
    },
    expect: { kind: "update", image: "compute/1", kernelChanged: false, blocked: [] },
  },
  {
    title: "a difference too large for a comparison: the whole tree is requested",
    report: {
      ...up,
      comparison: { manifest: testManifestHash, assessment: { ...equal.assessment, steps: 501 } },
    },
    expect: { kind: "report", filter: image.filter },
  },
  {
    title: "a difference that would remove most of the machine is stopped before its tree is requested",
    report: {
      ...up,
      comparison: { manifest: testManifestHash, assessment: { ...equal.assessment, steps: 900, removed: 900 } },
    },
    expect: {
      kind: "stop",
      image: "compute/1",
      reason: "compute/1 removes 900 of root's 1000 paths on the machine",
      cause: "unsafeUpdate",
    },
  },
  {
    title: "a kernel that did not come up is for an operator",
    report: { ...up, rejectedKernel: "kernel 6.2 did not come up" },
    expect: { kind: "stop", image: "compute/1", reason: "kernel 6.2 did not come up", cause: "rejectedKernel" },
  },
  {
    title: "a disk that is as it should be: nothing to do",
    report: { ...up, tree: image.tree, objects: [] },
    expect: { kind: "wait", seconds: 30, reason: "runs compute/1", upToDate: true },
  },
  {
    title: "another image than the required one: compare",
    report: { ...up, patchedImage: "compute/0" },
    expect: { kind: "compare", image: "compute/1", manifest: { sha512: testManifestHash, size: 1000 } },
  },
  {
    title: "the same content under a new name is still an update",
    report: { ...up, patchedImage: "old/1", tree: image.tree, objects: [] },
    expect: { kind: "update", image: "compute/1", steps: [], kernelChanged: false, blocked: [] },
  },
  {
    title: "no room is said, not tried",
    report: { ...born, freeBytes: 4096, tree: emptyTree, objects: [] },
    expect: { kind: "wait", seconds: 10, reason: "insufficient space: expected 1 MiB, found 1 MiB free" },
  },
  {
    title: "no such image",
    report: born,
    image: undefined,
    expect: { kind: "wait", seconds: 10, reason: "image compute does not exist on this server" },
  },
  {
    title: "what failed is not tried again at once",
    report: born,
    failure: "fetch: no route",
    expect: { kind: "wait", seconds: 10, reason: "retrying soon: fetch: no route" },
  },
  {
    title: "a held machine is left alone",
    report: born,
    held: "held: broken fan",
    expect: { kind: "wait", seconds: 30, reason: "held: broken fan" },
  },
];

/**
 * The agent's files on a machine that the previous version installed, not marked as protected; and their names today.
 */
const formerAgent = ["/usr/local/sbin/subd", "/etc/systemd/system/subd.service", "/.subd/objects"];
for (const protocol of [1, agentProtocol]) {
  test(`directive: an agent of protocol ${protocol} keeps its own files, and only those`, () => {
    const file = { kind: "regular", mode: 0o755, uid: 0, gid: 0, mtimeMs: 0, size: 0, sha512: "" } as const;
    const wanted = ["/usr/local/sbin/subd", "/usr/local/sbin/birther-agent"].map((path) => [path, 0] as const);
    const directive = decideFor({
      required: "compute",
      image: { ...image, tree: { inodes: [{ ...file, mtimeMs: 1 }], entries: wanted } },
      held: undefined,
      failure: undefined,
      report: {
        ...{ ...up, protocol, patchedImage: "compute/0", objects: [] },
        tree: {
          inodes: [file],
          entries: [...formerAgent, "/usr/local/sbin/birther-agent", "/stray"].map((path) => [path, 0] as const),
        },
      },
      policy: defaultSubPolicy,
    });
    assert.ok(directive.kind === "update");
    const touched = directive.steps.flatMap((step) => ("path" in step ? [step.path] : [])).sort();
    assert.deepEqual(touched, protocol === 1 ? ["/stray"] : [...formerAgent, "/stray"].sort());
  });
}

for (const row of rows) {
  test(`directive: ${row.title}`, () => {
    const directive = decideFor({
      required: "compute",
      image: "image" in row ? undefined : image,
      held: row.held,
      failure: row.failure,
      report: row.report,
      policy: defaultSubPolicy,
    });
    assert.deepEqual(
      { ...directive, ...("steps" in directive && !("steps" in row.expect) ? { steps: undefined } : {}) },
      {
        ...row.expect,
        ...("steps" in directive && !("steps" in row.expect) ? { steps: undefined } : {}),
      },
    );
  });
}

/** An image with the C library of an architecture. */
const systemOf = (...loaders: readonly string[]): ImageManifest => ({
  ...image,
  tree: {
    ...image.tree,
    entries: [...image.tree.entries, ["/lib", 0], ["/lib64", 0], ...loaders.map((path) => [path, 1] as const)],
  },
});
const [x64, aarch64] = ["/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1"] as const;

test("an image for another architecture is refused by name before anything is fetched, also when it is forced", () => {
  for (const [architecture, loader, other] of [
    ["arm64", x64, "amd64"],
    ["amd64", aarch64, "arm64"],
  ] as const)
    for (const report of [born, up])
      assert.deepEqual(
        decideFor({
          ...{ required: "compute", image: systemOf(loader), architecture, held: undefined, failure: undefined },
          ...{ forced: "compute/1", report, policy: defaultSubPolicy },
        }),
        {
          kind: "stop",
          image: "compute/1",
          reason: `compute/1 is for ${other}, and this machine is ${architecture}`,
          cause: "otherArchitecture",
        },
      );
});

test("an image for the machine's architecture, or of which nothing is known, is not refused for it", () => {
  for (const [architecture, ...loaders] of [
    ["arm64", aarch64],
    ["amd64", x64],
    ["arm64"],
    ["arm64", x64, aarch64],
  ] as const) {
    const asked = { required: "compute", held: undefined, failure: undefined, policy: defaultSubPolicy } as const;
    const directive = decideFor({ ...asked, image: systemOf(...loaders), architecture, report: born });
    assert.equal(directive.kind, "report");
  }
});

test("a large fleet polls less often, but three times before an agent counts as silent", () => {
  const secondsFor = (machines: number, silentSeconds = 900) => subPolicyFor(machines, silentSeconds).pollSeconds;
  assert.deepEqual(
    [0, 4000, 12_000, 12_001, 40_000, 200_000].map((machines) => secondsFor(machines)),
    [30, 30, 30, 31, 100, 300],
  );
  assert.deepEqual([secondsFor(40_000, 120), secondsFor(40_000, 60)], [40, 30]);
});

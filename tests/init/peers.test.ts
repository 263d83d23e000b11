import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { bootFromDisk } from "./host/disk-boot.ts";
import { textIn } from "./host/grub.ts";
import { mac, rackMachine } from "./machine.ts";
import { type PeerDouble, type PeerKind, peerDouble } from "./peer-double.ts";
import { bulkContents } from "./site/images.ts";
import { openSite } from "./site/site.ts";

const key = "0c".repeat(32);
const newer = "0d".repeat(32);
// The modules of these kernels are not real ones, so the encrypted root of a UEFI machine could not be opened.
const storage = { allowUnencrypted: true, minRootDiskMiB: 2048, espMiB: 64, bootMiB: 256 };
const config = { images: [{ image: "bulk/1" }], storage };

const endpointOf = (index: number) => `10.77.1.${200 + index}:7000`;

/** A machine that is born with the bulk image, which these other machines have; one that is dead is not there at all. */
function born(
  kinds: readonly (PeerKind | "dead")[],
  {
    keys = [[key]],
    acceptedKey = key,
    atOnce = false,
  }: { keys?: readonly (readonly string[])[]; acceptedKey?: string; atOnce?: boolean } = {},
) {
  const peers = kinds.map((kind) => (kind === "dead" ? undefined : peerDouble(kind, acceptedKey)));
  const sources = kinds.map((_, i) => ({
    machineId: `m-5254000001${String(i).padStart(2, "0")}`,
    endpoint: endpointOf(i),
    ...(atOnce ? { atOnce } : {}),
  }));
  const site = openSite({ config, peers: { sources, keys } });
  const machine = rackMachine(site, { firmware: "bios" });
  const others = peers.flatMap((peer, i) => (peer === undefined ? [] : [[endpointOf(i), peer.listener] as const]));
  const wire = { listeners: new Map([...site.listeners, ...others]) };
  const boot = machine.boot({ wire });
  return { site, machine, boot, peers: peers.filter((peer): peer is PeerDouble => peer !== undefined) };
}

function assertIsBulk({ site, machine, boot }: ReturnType<typeof born>): void {
  assert.deepEqual(boot.end, { kind: "restarted", how: "restart" }, boot.kernel.screen.join("\n"));
  const found = bootFromDisk(machine.board);
  if (found.kind === "nothingToBoot") assert.fail(found.why);
  for (const [i, content] of bulkContents.entries())
    assert.equal(textIn(found.root, `/usr/share/bulk-${i}`), content, `bulk-${i}`);
  machine.boot();
  const { phase, runningImage, conditions } = site.machine(mac);
  assert.deepEqual([phase, runningImage, conditions], ["up", "bulk/1", []]);
}

const linesOf = ({ site }: ReturnType<typeof born>, of: string) => site.log(mac).filter((line) => line.includes(of));

test("a machine is born from another one, serves what it fetched until it restarts, and leaves no second names", (t) => {
  const life = born(["serves"]);
  t.after(life.site.close);
  const { ran } = life.boot.kernel;
  assert.ok(ran.includes("birther-peer /.birther-agent 0.0.0.0 0"), ran.join("\n"));
  assertIsBulk(life);
  assert.ok((life.peers[0]?.served() ?? 0) > bulkContents.length);
  const found = bootFromDisk(life.machine.board);
  if (found.kind === "nothingToBoot") assert.fail(found.why);
  const number = found.root.root.entries.get(".birther-agent") ?? assert.fail();
  assert.equal(found.root.get(number).entries.has("served"), false);
});

/** What is said of another machine at fault. */
const faults: readonly (readonly [kind: PeerKind | "dead", fault: RegExp])[] = [
  ["dead", /refused/],
  ["silent", /no byte within 3 s/],
  ["slow", /bytes a second, less than 1000000/],
  ["lies", /damaged or forged/],
  ["full", /status 503/],
  ["waits", /waits for its own contents, beyond 12 s/],
  ["breaks", /the answer ends early/],
];
for (const [kind, fault] of faults) {
  test(`another machine at fault (${kind}) is left for the next one`, (t) => {
    const life = born([kind, "serves"]);
    t.after(life.site.close);
    assertIsBulk(life);
    assert.ok((life.peers.at(-1)?.served() ?? 0) > 0);
    assert.match(linesOf(life, "a peer served only a part").join("\n"), fault);
  });
  test(`if no other machine is of use (${kind}), the server is`, (t) => {
    const life = born([kind, kind]);
    t.after(life.site.close);
    assertIsBulk(life);
  });
}

test("another machine whose connection breaks once sends the rest, and no other one is asked", (t) => {
  const life = born(["breaksOnce", "serves"]);
  t.after(life.site.close);
  assertIsBulk(life);
  assert.equal(linesOf(life, "a peer served only a part").length, 1);
  assert.equal(life.peers[1]?.served(), 0);
});

test("several machines at once each send a part, and together everything", (t) => {
  const life = born(["serves", "serves", "serves"], { atOnce: true });
  t.after(life.site.close);
  assertIsBulk(life);
  const served = life.peers.map((peer) => peer.served());
  assert.ok(
    served.every((count) => count > 0),
    `${served}`,
  );
  // The bulk, and the files of every image.
  assert.ok(served.reduce((sum, count) => sum + count, 0) <= bulkContents.length + 20, `${served}`);
  assert.deepEqual(linesOf(life, "a peer served only a part"), []);
});

for (const [kind, fault] of faults)
  test(`of several machines at once, the others take over what one owes (${kind})`, (t) => {
    const life = born(["serves", kind, "serves"], { atOnce: true });
    t.after(life.site.close);
    assertIsBulk(life);
    assert.match(linesOf(life, "a peer served only a part").join("\n"), fault);
  });

test("of several machines at once that are all at fault, each in its own way, nothing is expected", (t) => {
  const life = born(["silent", "lies", "waits", "dead"], { atOnce: true });
  t.after(life.site.close);
  assertIsBulk(life);
});

test("what one of several machines lacks comes from the server", (t) => {
  const life = born(["lacks", "lacks"], { atOnce: true });
  t.after(life.site.close);
  assertIsBulk(life);
  assert.deepEqual(linesOf(life, "a peer served only a part"), []);
});

test("nothing is read from another machine behind the contents that were asked for", (t) => {
  const life = born(["endless"]);
  t.after(life.site.close);
  assertIsBulk(life);
  assert.deepEqual(linesOf(life, "a peer served only a part"), []);
});

test("keys change while a machine fetches: it is served with the newer one", (t) => {
  const life = born(["serves"], { keys: [[key], [newer, key]], acceptedKey: newer });
  t.after(life.site.close);
  assertIsBulk(life);
  assert.match(linesOf(life, "a peer served only a part").join("\n"), /status 401/);
  assert.ok((life.peers[0]?.served() ?? 0) > bulkContents.length);
});

test("a machine that runs a workload stops serving before its update", (t) => {
  const life = born(["serves"]);
  t.after(life.site.close);
  const { site, machine } = life;
  assertIsBulk(life);
  const { id } = site.machine(mac);
  site.apply({ kind: "detailsSet", id, by: "test", details: { requiredImage: "compute/1" } });
  machine.boot();
  site.apply({ kind: "detailsSet", id, by: "test", details: { requiredImage: "bulk/1" } });
  const { kernel, end } = machine.boot();
  assert.equal(site.machine(mac).runningImage, "bulk/1", end.kind);
  const served = kernel.ran.filter((line) => line.startsWith("birther-peer served"));
  // 5 % of a link whose speed the system does not know, at the beginning and with each answer after it.
  assert.match(served.join(), new RegExp(`^birther-peer served: (6250000 ${key} -\\s*)+$`));
});

test("what a machine lacks that serves the files of its system comes from the server, and the rest from it", (t) => {
  const life = born(["lacks"]);
  t.after(life.site.close);
  assertIsBulk(life);
  assert.deepEqual(linesOf(life, "a peer served only a part"), []);
  assert.ok((life.peers[0]?.served() ?? 0) >= bulkContents.length - 1);
});

test("an installed machine serves the image that it runs out of its files", (t) => {
  const life = born(["serves"]);
  t.after(life.site.close);
  const { site, machine } = life;
  assertIsBulk(life);
  const contents = "/.birther-agent/contents";
  const { kernel } = machine.boot();
  const started = kernel.ran.filter((line) => line.startsWith("birther-peer /"));
  assert.deepEqual(started, [`birther-peer /.birther-agent 0.0.0.0 0 / ${contents}`], kernel.ran.join("\n"));
  const found = bootFromDisk(machine.board);
  if (found.kind === "nothingToBoot") assert.fail(found.why);
  const tableOf = ({ root }: typeof found) =>
    textIn(root, contents)?.split("\n").slice(0, -1) ?? assert.fail("no table");
  const lines = tableOf(found);
  assert.deepEqual(lines, [...lines].sort());
  for (const [i, content] of bulkContents.entries()) {
    const line = `${createHash("sha512").update(content).digest("hex")} ${content.length} /usr/share/bulk-${i}`;
    assert.ok(lines.includes(line), line);
  }
  const { id } = site.machine(mac);
  site.apply({ kind: "detailsSet", id, by: "test", details: { requiredImage: "compute/1" } });
  const { end } = machine.boot();
  assert.equal(site.machine(mac).runningImage, "compute/1", end.kind);
  machine.boot();
  const later = bootFromDisk(machine.board);
  if (later.kind === "nothingToBoot") assert.fail(later.why);
  assert.ok(!tableOf(later).some((line) => line.includes("/usr/share/bulk-")));
});

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import type { MachineId } from "../machine/record.ts";
import { chooseSources } from "./choose-sources.ts";
import { isHeldUp } from "./held-up.ts";
import type { Member } from "./member.ts";
import { openSwarm } from "./swarm.ts";

const idOf = (name: string) => name as MachineId;
const bytes = 1000;

function member(name: string, facts: Partial<Omit<Member, "from">> & { readonly from?: string } = {}): Member {
  const { from = "origin", ...more } = facts;
  return {
    ...{ id: idOf(name), rack: "r1", totalBytes: bytes, doneBytes: 0, serves: true, isWorking: false, order: 0 },
    ...{ from: from === "origin" ? from : idOf(from), accusers: new Set<MachineId>() },
    ...more,
  };
}
/** It waits. */
function newcomer(name: string, facts: Partial<Omit<Member, "from">> = {}): Member {
  return { ...member(name, facts), from: undefined };
}
/** It has everything. */
function complete(name: string, facts: Partial<Omit<Member, "from">> = {}): Member {
  return { ...member(name, facts), from: undefined, doneBytes: bytes };
}

function swarmOf(members: Iterable<Member>) {
  const swarm = openSwarm();
  for (const member of members) swarm.put(member);
  return swarm;
}

function choose(
  caller: Member,
  others: readonly Member[],
  more: { failed?: readonly string[]; originIsFull?: boolean } = {},
) {
  const failed = new Set((more.failed ?? []).map(idOf));
  return chooseSources(caller, swarmOf([...others, caller]), { failed, originIsFull: more.originIsFull ?? false });
}

const origin = { kind: "origin" } as const;
const from = (...sources: readonly string[]) => ({ kind: "peers", sources });
const accused = { accusers: new Set(["x", "y"].map(idOf)) };

const cases: readonly (readonly [title: string, found: unknown, expected: unknown])[] = [
  ["the first of a rack fetches from the origin", choose(newcomer("a"), []), origin],
  ["the second from the first", choose(newcomer("b"), [member("a")]), from("a")],
  [
    "the third from the second, and else from the first",
    choose(newcomer("c"), [member("a"), member("b", { from: "a", order: 1 })]),
    from("b", "a"),
  ],
  [
    "who has a source keeps it",
    choose(member("c", { from: "a", order: 2 }), [member("a"), member("b", { order: 1 })]),
    from("a", "b"),
  ],
  [
    "until it fails",
    choose(member("c", { from: "a", order: 2 }), [member("a"), member("b", { order: 1 })], { failed: ["a"] }),
    from("b"),
  ],
  ["nobody fetches from those behind it", choose(member("a", { from: "z" }), [member("b", { from: "a" })]), origin],
  [
    "another rack's machines are no sources while the origin has room",
    choose(newcomer("b", { rack: "r2" }), [member("a")]),
    origin,
  ],
  [
    "but they are when it has a queue",
    choose(newcomer("b", { rack: "r2" }), [member("a")], { originIsFull: true }),
    from("a"),
  ],
  [
    "one stream leaves a rack",
    choose(
      newcomer("c", { rack: "r3" }),
      [member("a"), member("a2", { order: 1 }), member("b", { rack: "r2", from: "a", serves: false })],
      {
        originIsFull: true,
      },
    ),
    origin,
  ],
  ["one that does not serve is none", choose(newcomer("b"), [member("a", { serves: false })]), origin],
  ["nor one that two machines accuse", choose(newcomer("b"), [member("a", accused)]), origin],
  ["one that waits itself is none", choose(newcomer("b"), [newcomer("a")]), origin],
  [
    "a newborn that has everything comes before a machine with a workload",
    choose(newcomer("c"), [complete("w", { isWorking: true, order: 5 }), complete("a")]),
    from("a", "w"),
  ],
  [
    "sources that send already are shared before a second stream crosses the uplink",
    choose(newcomer("d"), [member("a"), member("b", { from: "a", order: 1, serves: false })]),
    from("a"),
  ],
  [
    "but not by more than three",
    choose(newcomer("d"), [
      member("a"),
      ...["b", "c", "e"].map((name) => member(name, { from: "a", order: 1, serves: false })),
    ]),
    origin,
  ],
];
describe("sources of a machine", () => {
  for (const [title, found, expected] of cases) test(title, () => assert.deepEqual(found, expected));
});

/** What happens to a machine during a fetch. */
type Outcome = "well" | "dies" | "lies";
type Simulated = { member: Member; readonly outcome: Outcome; readonly failed: Set<MachineId>; gone: boolean };

/** Units of bytes a step: of a machine's link, and of a rack's uplink. */
const link = 40;
const uplink = 10;

/** Racks whose machines all begin at once. Returns when the last was done, and what crossed each rack's uplink. */
function simulate(racks: readonly (readonly Outcome[])[], originSlots: number) {
  const world = new Map<MachineId, Simulated>();
  let order = 0;
  for (const [r, outcomes] of racks.entries())
    for (const [m, outcome] of outcomes.entries()) {
      const one = newcomer(`r${r}m${m}`, { rack: `r${r}`, order });
      world.set(one.id, { member: one, outcome, failed: new Set(), gone: false });
      order += 1;
    }
  const crossed = new Map<string, number>();
  const isDone = ({ member: { doneBytes }, gone }: Simulated) => gone || doneBytes >= bytes;

  function ask(one: Simulated): void {
    const members = [...world.values()].flatMap(({ gone, member }) => (gone ? [] : [member]));
    const fromOrigin = members.filter((other) => other.from === "origin").length;
    const originIsFull = fromOrigin >= originSlots;
    const { failed } = one;
    const chosen = chooseSources(one.member, swarmOf(members), { failed, originIsFull });
    const own = one.member.from === "origin";
    const source =
      chosen.kind === "origin" ? (originIsFull && !own ? undefined : ("origin" as const)) : chosen.sources[0];
    one.member = { ...one.member, from: source };
  }
  /** What a machine gets in this step if nothing else limits it. */
  function rateOf({ member: { from: source, doneBytes, rack } }: Simulated): number {
    if (source === undefined) return 0;
    const left = bytes - doneBytes;
    const among = [...world.values()].filter(({ member }) => member.from === source).length;
    const outside = [...world.values()].filter(
      ({ member }) =>
        member.rack === rack &&
        member.from !== undefined &&
        (member.from === "origin" || world.get(member.from)?.member.rack !== rack),
    ).length;
    if (source === "origin") return Math.min(left, uplink / outside);
    const peer = world.get(source) ?? assert.fail();
    const ahead = peer.member.doneBytes - doneBytes;
    return Math.min(left, ahead, link / among, peer.member.rack === rack ? link : uplink / outside);
  }
  let steps = 0;
  for (; [...world.values()].some((one) => !isDone(one)); steps += 1) {
    assert.ok(steps < 20_000, "it does not come to an end");
    for (const one of world.values()) {
      if (isDone(one)) continue;
      const source = one.member.from;
      const peer = source === undefined || source === "origin" ? undefined : world.get(source);
      if (peer?.gone === true || peer?.outcome === "lies") one.failed.add(peer.member.id);
      ask(one);
    }
    const rates = new Map([...world.values()].filter((one) => !isDone(one)).map((one) => [one, rateOf(one)]));
    for (const [one, rate] of rates) {
      const { from: source, rack } = one.member;
      const peer = source === undefined || source === "origin" ? undefined : world.get(source);
      if (peer?.outcome === "lies" || peer?.gone === true) continue;
      if (peer?.member.rack !== rack) crossed.set(rack, (crossed.get(rack) ?? 0) + rate);
      const doneBytes = one.member.doneBytes + rate;
      one.member = { ...one.member, doneBytes, from: doneBytes >= bytes ? undefined : source };
      if (one.outcome === "dies" && doneBytes > bytes / 2) one.gone = true;
    }
  }
  return { steps, crossed };
}

const rackOf = (count: number, outcome: Outcome = "well") => Array.from({ length: count }, () => outcome);
/** Steps that an image takes over an uplink. */
const ideal = bytes / uplink;

test("a rack of 20: the image crosses the uplink once, and the last machine is done soon after the first", () => {
  const { steps, crossed } = simulate([rackOf(20)], 4);
  assert.equal(crossed.get("r0"), bytes);
  assert.ok(steps <= ideal * 1.5, `${steps} steps`);
});

test("one that dies in the middle and one that lies cost little", () => {
  const { steps, crossed } = simulate([["well", "dies", "well", "lies", "well", "well", "well", "well"]], 4);
  assert.ok(steps <= ideal * 1.5, `${steps} steps`);
  assert.ok((crossed.get("r0") ?? 0) <= bytes * 1.6, `${crossed.get("r0")}`);
});

test("more racks than the origin serves at once: racks pass the image on", () => {
  const racks = Array.from({ length: 9 }, () => rackOf(3));
  const { steps, crossed } = simulate(racks, 3);
  for (const [rack, crossing] of crossed) assert.ok(crossing <= bytes * 1.25, `${rack}: ${crossing}`);
  assert.ok(steps <= ideal * 2.5, `${steps} steps`);
});

test("whatever machines die or lie, all others get the image", () => {
  const outcome = fc.constantFrom<Outcome>("well", "well", "well", "dies", "lies");
  const racks = fc.array(fc.array(outcome, { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(racks, fc.integer({ min: 1, max: 4 }), (world, slots) => {
      simulate(world, slots);
    }),
    { numRuns: 40 },
  );
});

describe("40,000 machines", () => {
  const racks = 1000;
  const of = 40;
  const named = (r: number, m: number) => `r${r}m${m}`;
  /** In each rack a chain from the origin, or, where the rack waits, nobody has a source. */
  const swarm = openSwarm();
  for (let r = 0; r < racks; r += 1)
    for (let m = 0; m < of; m += 1) {
      const facts = { rack: `r${r}`, order: m, bytesPerSecond: 1e6, totalBytes: 1e9, doneBytes: 1e8 - m };
      const waits = r % 2 === 1;
      swarm.put({
        ...member(named(r, m), facts),
        from: waits ? undefined : m === 0 ? "origin" : idOf(named(r, m - 1)),
      });
    }
  /** The swarm, and how many members were looked at. */
  function counted() {
    let seen = 0;
    function* counting(members: Iterable<Member>) {
      for (const one of members) {
        seen += 1;
        yield one;
      }
    }
    const view = {
      ...swarm,
      get: (id: MachineId) => {
        seen += 1;
        return swarm.get(id);
      },
      ofRack: (rack: string) => counting(swarm.ofRack(rack)),
    };
    return { view, seen: () => seen };
  }
  const asked = (r: number, m: number) => swarm.get(idOf(named(r, m))) ?? assert.fail();
  const callers: readonly (readonly [title: string, caller: Member, most: number])[] = [
    ["the last of a chain", asked(0, of - 1), 3 * of],
    ["one in the middle", asked(0, of / 2), 3 * of],
    ["one that waits in a rack without a source", asked(1, 0), of * 18],
    ["a new one", newcomer("new", { rack: "r0" }), 3 * of],
  ];
  for (const [title, caller, most] of callers)
    test(`${title} looks at its rack, not at the fleet`, () => {
      const { view, seen } = counted();
      chooseSources(caller, view, { failed: new Set(), originIsFull: true });
      isHeldUp(caller, view, { originIsFull: true });
      assert.ok(seen() <= most, `${seen()} members`);
    });
});

test("the indices of a swarm are those of its members, whatever comes and goes", () => {
  const names = ["a", "b", "c", "d", "e"];
  const name = fc.constantFrom(...names);
  const change = fc.record({
    ...{ name, rack: fc.constantFrom("r1", "r2"), from: fc.constantFrom(undefined, "origin", ...names) },
    ...{ isDone: fc.boolean(), serves: fc.boolean(), leaves: fc.boolean() },
  });
  fc.assert(
    fc.property(fc.array(change, { maxLength: 30 }), (changes) => {
      const swarm = openSwarm();
      const members = new Map<MachineId, Member>();
      for (const { name: id, from, isDone, leaves, ...facts } of changes) {
        if (leaves) {
          members.delete(idOf(id));
          swarm.remove(idOf(id));
          continue;
        }
        const one = { ...member(id, facts), doneBytes: isDone ? bytes : 0, from: from as Member["from"] };
        members.set(one.id, one);
        swarm.put(one);
      }
      const all = [...members.values()];
      const ids = (some: Iterable<Member>) => [...some].map(({ id }) => id).sort();
      assert.equal(swarm.size(), all.length);
      assert.deepEqual(ids(swarm.heads()), ids(all.filter(({ from }) => from === "origin")));
      for (const rack of ["r1", "r2"])
        assert.deepEqual(ids(swarm.ofRack(rack)), ids(all.filter((one) => one.rack === rack)));
      for (const id of names.map(idOf))
        assert.deepEqual([...swarm.childrenOf(id)].sort(), ids(all.filter(({ from }) => from === id)));
    }),
  );
});

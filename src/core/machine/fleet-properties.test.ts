import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { runs } from "../../../tests/support/runs.ts";
import { checkFleet } from "./check.ts";
import type { Decision, MachineEvent, OfOrder } from "./event.ts";
import { defaultDeadlineSeconds } from "./health/deadlines.ts";
import { nextRepair, provedBootsBeforeRebirth, type RepairPolicy } from "./health/repair.ts";
import { checkProgress, defaultWatchRules, watchEvent } from "./health/stall-detection.ts";
import { announcedId } from "./life/details.ts";
import { mayBeInstalled } from "./life/move.ts";
import { silentBeforeTakeoverMs } from "./life/takeover.ts";
import type { Machine, MachineId } from "./record.ts";
import { type Action, kept, type Operator, operators } from "./testing/fleet-counterexamples.ts";
import { hardware, mac, place, testFleet } from "./testing/test-fleet.ts";

/** Metal: what a record stands for, and what can be wrong about it. */
type BirthOrder = NonNullable<OfOrder["order"]>;

type Chassis = {
  nics: number[];
  unit: number;
  /** The system on its disk: as which machine it was installed, and its agent's credential. */
  system?: {
    readonly id: MachineId;
    /** Of which generation it is: the record names the root disk of the latest. */
    readonly generation: number;
    readonly credential: string;
    readonly ran?: true;
  };
  /** A birth that runs on it. */
  birth?: { readonly id: MachineId; readonly session: string; readonly order: BirthOrder; stage: number };
  /** An operator has said that what is on its disk may go. */
  released: boolean;
};

const rules = { ...defaultWatchRules, deadlineSeconds: defaultDeadlineSeconds };
const chassisCount = 3;
const nicCount = 6;

/** Every other operator asks for a restart where a rebirth or clean runs. */
const restarting = (n: number): { readonly restart?: true } => (n % 2 === 0 ? {} : { restart: true });

/** Runs metal and operators against a fleet; asserts after each step what no sequence of them may do. */
function play(cabling: readonly (readonly number[])[], actions: readonly Action[], policy?: RepairPolicy): void {
  const world = testFleet();
  const metal: Chassis[] = cabling.map((nics, n) => ({ nics: [...nics], unit: n + 1, released: false }));
  const installed = new Set<string>();
  let secrets = 0;
  const secret = () => `s${++secrets}`;
  const byMac = (n: number) => world.list().find(({ macs }) => macs.includes(mac(n)));
  const onDiskOf = (id: MachineId) => metal.filter(({ system }) => system?.id === id);

  const apply = (event: MachineEvent): Decision => {
    const before = new Map(world.list().map((machine) => [machine.id, machine]));
    const decision = world.apply(event);
    for (const machine of world.list()) {
      const was = before.get(machine.id);
      if (was === undefined || was === machine) continue;
      assert.equal(machine.revision, was.revision + 1, `${event.kind} counts once on ${machine.id}`);
      assert.ok(machine.generation >= was.generation, `${event.kind} took ${machine.id} back a generation`);
      assert.equal(machine.macs[0], was.macs[0], `${event.kind} changed what ${machine.id} is known by`);
    }
    assert.deepEqual(checkFleet(world.list()), [], event.kind);
    return decision;
  };

  const boot = (chassis: Chassis, nic: number, nursery: boolean) => {
    delete chassis.birth;
    const wire = { firmware: "bios", network: "rack", stage: "firmware", answer: "loader" } as const;
    apply({ kind: "pxeAsked", mac: mac(nic), nursery, ...wire });
    const machine = byMac(nic);
    if (machine === undefined || !mayBeInstalled(machine, mac(nic))) return;
    const [token, session] = [secret(), secret()];
    const { id } = machine;
    if (apply({ kind: "orderIssued", id, tokenHash: token, expiresAtMs: 1e12 }).kind === "refused") return;
    const order = { bootId: token, sessionHash: session, tokenHash: token };
    if (apply({ kind: "orderTaken", id, mac: mac(nic), ...order }).kind === "refused") return;
    const { generation } = machine;
    const action = world.find(id)?.order?.action ?? assert.fail();
    if (action === "resume") {
      const ran = onDiskOf(id).some(({ system }) => system?.ran === true && system.credential === machine.subTokenHash);
      assert.ok(!ran, `${id} got an order to resume after its system ran`);
    } else assert.equal(action, machine.state, `${id} got an order to ${action} in ${machine.state}`);
    chassis.birth = { id, session, order: { generation, action }, stage: 0 };
  };

  /** init opens the root again; it finds none where the disk of another machine is. */
  const resume = (chassis: Chassis, { id, order }: { readonly id: MachineId; readonly order: BirthOrder }): boolean => {
    const { system } = chassis;
    if (system?.id !== id || system.generation !== order.generation) return false;
    const credential = secret();
    if (apply({ kind: "agentResumed", id, order, subTokenHash: credential }).kind === "changed")
      chassis.system = { ...system, credential };
    return false;
  };

  /** One more stage of a birth that runs; false when it has ended. The session is looked at as the server does. */
  const go = (chassis: Chassis): boolean => {
    const { birth } = chassis;
    if (birth === undefined) return false;
    const { id, session, order } = birth;
    const { generation } = order;
    delete chassis.birth;
    if (world.find(id)?.order?.taken?.sessionHash !== session) return false;
    if (order.action === "resume") return resume(chassis, birth);
    const stages: readonly (() => boolean)[] = [
      () => {
        const nics = chassis.nics.map(mac);
        return apply({ kind: "hardwareScanned", id, hardware: hardware(...nics), order }).kind === "changed";
      },
      () => apply({ kind: "placed", id, placement: place(chassis.unit), order }).kind === "changed",
      () => {
        const whose = `the system of ${chassis.system?.id} was wiped, by an order for ${id} in ${world.find(id)?.state}`;
        assert.ok(chassis.system === undefined || chassis.released, whose);
        delete chassis.system;
        chassis.released = false;
        return true;
      },
      () => {
        const accepted = apply({ kind: "phaseSeen", id, phase: "keysMade", order }).kind === "changed";
        const now = world.find(id);
        assert.ok(
          !accepted || now?.generation === generation,
          `${id} reached keysMade under an order of ${generation}`,
        );
        return accepted;
      },
      () => {
        const credential = secret();
        const decision = apply({
          ...{
            kind: "becameHealthy",
            id,
            generation,
            image: "compute",
            placement: place(chassis.unit),
          },
          storage: {
            rootDisk: { path: "/dev/vda", serial: "", sizeBytes: 1, why: "only" },
            encryption: { kind: "none", reason: "test" },
          },
          subTokenHash: credential,
        });
        if (decision.kind === "refused") return false;
        const life = `${id} ${generation}`;
        assert.ok(!installed.has(life), `${life} was installed twice`);
        installed.add(life);
        chassis.system = { id, generation, credential };
        return false;
      },
    ];
    if (stages[birth.stage]?.() !== true) return false;
    chassis.birth = { ...birth, stage: birth.stage + 1 };
    return true;
  };

  const operate = (what: Operator, n: number, m: number) => {
    const machines = world.list();
    const [machine, other] = [machines[n % machines.length], machines[m % machines.length]];
    if (what === "announce") {
      const macs = [mac(m % nicCount)];
      const id = announcedId(macs, undefined) ?? assert.fail();
      apply({ kind: "machineCreated", id, by: "op", macs, ...(n % 2 === 0 ? { birth: true } : {}) });
      return;
    }
    if (machine === undefined || other === undefined) return;
    const { id } = machine;
    const by = "op";
    const accepted = (event: MachineEvent) => apply(event).kind === "changed";
    // What is taken back is the word about the system that runs as this machine. What an earlier installation left on
    // another disk (a NIC that wandered took the rebirth along) was let go with it, and stays so.
    const letGo = (whose: MachineId, released: boolean) => {
      const runs = world.find(whose)?.subTokenHash;
      for (const chassis of onDiskOf(whose)) {
        if (released || chassis.system?.credential === runs) chassis.released = released;
      }
    };
    switch (what) {
      case "rebirth":
      case "rebirthMoved":
        if (
          accepted({ kind: "rebirthAsked", id, by, ...restarting(m), ...(what === "rebirth" ? {} : { mayMove: true }) })
        )
          letGo(id, true);
        return;
      case "clean":
        if (accepted({ kind: "cleanAsked", id, by, ...restarting(m) })) letGo(id, true);
        return;
      case "cancel":
        if (accepted({ kind: "rebirthCancelled", id, by })) letGo(id, false);
        return;
      case "hold":
        apply({ kind: "conditionSet", id, condition: "hold", reason: "r" });
        return;
      case "release":
      case "revive":
        apply({ kind: "conditionCleared", id, condition: what === "release" ? "hold" : "retired" });
        return;
      case "retire":
        if (accepted({ kind: "retired", id, by })) letGo(id, true);
        return;
      case "takeover":
        world.later(silentBeforeTakeoverMs);
        if (accepted({ kind: "takeoverAuthorised", id, from: other.id, by })) letGo(other.id, true);
        return;
      case "giveNic": {
        const given = m % nicCount;
        const isElsewhere = byMac(given) !== undefined && !machine.macs.includes(mac(given));
        const decision = apply({ kind: "detailsSet", id, by, details: { macs: [...machine.macs, mac(given)] } });
        // Of a NIC that was disputed this says which of two machines it is in: whatever boots by it is that one.
        if (decision.kind === "changed" && isElsewhere)
          for (const chassis of metal) if (chassis.nics.includes(given)) chassis.released = true;
        return;
      }
    }
  };

  const patrol = (machine: Machine) => {
    const { id, lastSeenAtMs } = machine;
    const found = watchEvent(machine, checkProgress(machine, world.nowMs(), rules));
    if (found !== undefined) apply(found);
    if (policy === undefined) return;
    const repair = nextRepair(world.find(id) ?? machine, world.nowMs(), { ...policy, ...rules });
    if (repair.kind !== "step") return;
    const { kind: _kind, ...step } = repair;
    if (apply({ kind: "repairStepped", id, ...step }).kind === "refused" || step.step !== "rebirth") return;
    assert.equal(machine.state, "healthy");
    const proved = machine.repair?.trial?.boots ?? 0;
    assert.ok(machine.awaitsFirstImage === true || proved >= provedBootsBeforeRebirth, `${id} proved ${proved} boots`);
    assert.ok(world.nowMs() - lastSeenAtMs >= rules.deadlineSeconds.up * 1000, `${id} was heard and sent to rebirth`);
    for (const chassis of onDiskOf(id)) chassis.released = true;
  };

  for (const action of actions) {
    switch (action.do) {
      case "boot": {
        const chassis = metal[action.chassis] ?? assert.fail();
        boot(chassis, chassis.nics[action.nic % chassis.nics.length] ?? 0, action.nursery);
        break;
      }
      case "go":
        for (let n = 0; n < action.stages && go(metal[action.chassis] ?? assert.fail()); n += 1);
        break;
      case "poll": {
        const chassis = metal[action.chassis] ?? assert.fail();
        const { system, birth } = chassis;
        if (system === undefined || birth !== undefined) break;
        if (world.find(system.id)?.subTokenHash !== system.credential) break;
        if (action.fromBirth === true) apply({ kind: "subSeen", id: system.id });
        else if (apply({ kind: "subSeen", id: system.id, fromDisk: true, runningImage: "compute" }).kind === "changed")
          chassis.system = { ...system, ran: true };
        // What only the policy had asked for is taken back by that.
        if (world.find(system.id)?.state === "healthy") chassis.released = false;
        break;
      }
      case "later":
        world.later(action.minutes * 60_000);
        break;
      case "patrol":
        for (const machine of world.list()) patrol(machine);
        break;
      case "moveNic": {
        const [from, to] = [metal[action.from] ?? assert.fail(), metal[action.to] ?? assert.fail()];
        if (from.nics.length < 2 || from === to) break;
        to.nics.push(...from.nics.splice(action.nic % from.nics.length, 1));
        break;
      }
      case "newBoard":
        (metal[action.chassis] ?? assert.fail()).nics = [action.nic];
        break;
      case "moveSlot":
        (metal[action.chassis] ?? assert.fail()).unit = action.unit;
        break;
      default:
        operate(action.do, action.machine, action.other);
    }
  }
}

const later = fc.record({ do: fc.constant("later" as const), minutes: fc.integer({ min: 1, max: 60 }) });
const patrol = fc.constant({ do: "patrol" as const });
const chassis = fc.nat({ max: chassisCount - 1 });
const nic = fc.nat({ max: nicCount - 1 });
const boot = fc.record({ do: fc.constant("boot" as const), chassis, nic: fc.nat({ max: 2 }), nursery: fc.boolean() });
const go = fc.record({ do: fc.constant("go" as const), chassis, stages: fc.integer({ min: 1, max: 4 }) });
const operator = fc.record({ do: fc.constantFrom(...operators) as fc.Arbitrary<Operator>, machine: nic, other: nic });
const poll = fc
  .record({ chassis, fromBirth: fc.boolean() })
  .map(({ chassis: n, fromBirth }) => ({ do: "poll" as const, chassis: n, ...(fromBirth ? { fromBirth } : {}) }));
const moveNic = fc.record({ do: fc.constant("moveNic" as const), from: chassis, to: chassis, nic: fc.nat({ max: 2 }) });
const newBoard = fc.record({ do: fc.constant("newBoard" as const), chassis, nic });
const moveSlot = fc.record({ do: fc.constant("moveSlot" as const), chassis, unit: fc.integer({ min: 1, max: 6 }) });
/** A boot that goes all the way: single steps seldom get there. */
const birth = fc.record({ chassis, nic: fc.nat({ max: 2 }) }).map(({ chassis: n, nic: by }): Action[] => [
  { do: "boot", chassis: n, nic: by, nursery: true },
  { do: "go", chassis: n, stages: 4 },
  { do: "poll", chassis: n },
]);
/** A machine that restarts and restarts, and is looked at. */
const struggle = fc.record({ chassis, nic: fc.nat({ max: 2 }) }).map(({ chassis: n, nic: by }): Action[] => [
  ...[1, 2, 3].flatMap((): Action[] => [
    { do: "boot", chassis: n, nic: by, nursery: true },
    { do: "later", minutes: 20 },
  ]),
  { do: "patrol" },
  { do: "later", minutes: 20 },
  { do: "patrol" },
  // Asked to prove its boots, which it does.
  ...[1, 2].flatMap((): Action[] => [
    { do: "boot", chassis: n, nic: by, nursery: true },
    { do: "later", minutes: 21 },
    { do: "patrol" },
  ]),
]);
const sequence = (...more: readonly fc.Arbitrary<Action>[]): fc.Arbitrary<Action[]> => {
  const singles = [boot, go, operator, operator, poll, ...more].map((one) => one.map((action): Action[] => [action]));
  const groups = [
    { weight: 6, arbitrary: birth },
    { weight: 2, arbitrary: struggle },
    ...singles.map((arbitrary) => ({ weight: 1, arbitrary })),
  ];
  return fc.array(fc.oneof(...groups), { minLength: 8, maxLength: 40, size: "max" }).map((all) => all.flat());
};
/** The NICs of each chassis; some are in two of them: cloned cards, adapters that wander. */
const cabling = fc.array(fc.uniqueArray(nic, { minLength: 1, maxLength: 3 }), {
  minLength: chassisCount,
  maxLength: chassisCount,
});

describe("whole fleets: no system is wiped without an operator, nothing is held twice, no generation is installed twice", () => {
  test("shared NICs, moved NICs and swapped boards", () => {
    fc.assert(
      fc.property(cabling, sequence(moveNic, newBoard), (nics, actions) => play(nics, actions)),
      { numRuns: runs(1000), examples: kept },
    );
  });

  for (const policy of [undefined, { afterSeconds: 300, rebirths: 2, withinSeconds: 86_400, rebirthsPerHour: 5 }])
    test(`machines that fall silent and fail, ${policy === undefined ? "without" : "with"} a policy that repairs them`, () => {
      const property = fc.property(cabling, sequence(later, later, patrol, patrol, boot), (nics, actions) =>
        play(nics, actions, policy),
      );
      fc.assert(property, { numRuns: runs(1000) });
    });

  test("machines that are moved, also into occupied slots", () => {
    fc.assert(
      fc.property(cabling, sequence(moveSlot), (nics, actions) => play(nics, actions)),
      { numRuns: runs(1000), examples: kept },
    );
  });
});

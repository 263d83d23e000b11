import assert from "node:assert/strict";
import { test } from "node:test";
import type { TpmClaim } from "../../tpm/claim.ts";
import type { DiskKeyState } from "../../tpm/disk-key.ts";
import type { MachineEvent } from "../event.ts";
import { nextRepair } from "../health/repair.ts";
import { orderActionOf } from "../next-boot.ts";
import { asked, healthy, id, issued, mac, testFleet } from "../testing/test-fleet.ts";

const proved: TpmClaim = { kind: "proved", ekSha256: "a".repeat(64) };
const takes = (token: string, tpm: TpmClaim = proved): MachineEvent => ({
  ...{ kind: "orderTaken", id: id(1), mac: mac(1), tokenHash: token, bootId: token, sessionHash: "s", tpm },
});
const polls = (diskKey?: DiskKeyState): MachineEvent => ({
  ...{ kind: "subSeen", id: id(1), fromDisk: true, runningImage: "compute", upToDate: true },
  ...(diskKey === undefined ? {} : { diskKey }),
});
const allowed: MachineEvent = { kind: "recoveryAllowed", id: id(1), by: "op" };
const signed = (nonce: string): MachineEvent => ({
  ...{ kind: "recoverySigned", id: id(1), nonce, order: { generation: 1, action: "recover" } },
});

/** A machine that is up, with this TPM and this state of its disk key. */
function upWith(diskKey: DiskKeyState, tpm: TpmClaim = proved) {
  const world = testFleet();
  world.all(asked(1), issued(1), takes("token1", tpm), healthy(1, 1), polls(diskKey));
  return world;
}

/** The same, silent since its disk did not start. */
function lockedWith(diskKey: DiskKeyState, tpm: TpmClaim = proved) {
  const world = upWith(diskKey, tpm);
  world.later(120_000);
  return world;
}
const sealed: DiskKeyState = { kind: "sealed" };

test("an allowed recovery: one order, one signature, which the same session may ask for again, until the agent polls", () => {
  const world = lockedWith(sealed);
  assert.equal(orderActionOf(world.get(1)), undefined);
  world.all(allowed, asked(1), { kind: "phaseSeen", id: id(1), phase: "loaderSent" }, issued(1, "t2"), takes("t2"));
  assert.equal(world.get(1).order?.action, "recover");
  world.all(signed("n1"), signed("n1"));
  assert.equal(world.apply(signed("n2")).kind, "refused", "another session");
  assert.equal(orderActionOf(world.get(1)), undefined, "the next boot is that of the disk");
  world.all(polls(sealed));
  const { recovery, order, phase } = world.get(1);
  assert.deepEqual([recovery, order, phase], [undefined, undefined, "up"]);
  assert.equal(world.apply(signed("n1")).kind, "refused");
});

test("refused: a key that is not sealed, a machine that is bound to no TPM, a signature that nobody has allowed", () => {
  for (const world of [lockedWith({ kind: "plain", reason: "r" }), lockedWith(sealed, { kind: "none" })])
    assert.equal(world.apply(allowed).kind, "refused");
  const world = lockedWith(sealed);
  assert.equal(world.apply(signed("n1")).kind, "refused");
  world.all(allowed);
  assert.equal(world.apply(signed("n1")).kind, "refused", "no order was taken");
});

test("refused while its agent polls: its disk is open, and its next poll would end the recovery", () => {
  const world = upWith(sealed);
  world.later(60_000);
  const decision = world.apply(allowed);
  assert.match(decision.kind === "refused" ? decision.refusal.message : "", /whose agent polled 60 s ago/);
  world.all(asked(1), allowed);
  assert.equal(orderActionOf(world.get(1)), "recover", "it has restarted");
});

test("another TPM gets no order to recover; a rebirth ends a recovery that is allowed", () => {
  const world = lockedWith(sealed);
  world.all(allowed, asked(1), issued(1, "t2"));
  assert.equal(world.apply(takes("t2", { kind: "proved", ekSha256: "b".repeat(64) })).kind, "refused");
  world.all({ kind: "rebirthAsked", id: id(1), by: "op" });
  assert.deepEqual([world.get(1).recovery, orderActionOf(world.get(1))], [undefined, "rebirth"]);
});

test("the repair policy leaves a machine with a sealed key alone; without one it acts", () => {
  const rules = {
    ...{ afterSeconds: 60, rebirths: 2, withinSeconds: 3600, rebirthsPerHour: 9 },
    deadlineSeconds: { up: 60, rebooting: 60 } as Parameters<typeof nextRepair>[2]["deadlineSeconds"],
  };
  const kindFor = (diskKey: DiskKeyState) => {
    const world = upWith(diskKey);
    world.all({ kind: "stalled", id: id(1), reason: "silent" });
    const lost = { ...world.get(1), unheardBoots: { count: 9, lastAtMs: world.nowMs() } } as ReturnType<
      typeof world.get
    >;
    return nextRepair(lost, world.nowMs() + 3_600_000, rules).kind;
  };
  assert.deepEqual([kindFor(sealed), kindFor({ kind: "plain", reason: "r" })], ["none", "step"]);
});

test("a machine that is lost between the first and the second poll of a start can be recovered, and is not wiped", () => {
  const world = upWith(sealed);
  world.all(asked(1), polls());
  world.later(120_000);
  assert.deepEqual(world.get(1).diskKey, sealed);
  world.all(allowed);
  assert.equal(orderActionOf(world.get(1)), "recover");
});

import assert from "node:assert/strict";
import { test } from "node:test";
import type { TpmClaim } from "../../tpm/claim.ts";
import type { MachineEvent } from "../event.ts";
import { asked, healthy, id, issued, mac, testFleet } from "../testing/test-fleet.ts";

const proved = (letter: string): TpmClaim => ({ kind: "proved", ekSha256: letter.repeat(64) });
const takes = (tpm: TpmClaim | undefined, token = "token1"): MachineEvent => ({
  ...{ kind: "orderTaken", id: id(1), mac: mac(1), tokenHash: token, bootId: "boot", sessionHash: "s" },
  ...(tpm === undefined ? {} : { tpm }),
});
const rebirth: MachineEvent = { kind: "rebirthAsked", id: id(1), by: "op" };
const acceptTpm: MachineEvent = { kind: "conditionCleared", id: id(1), condition: "hold", newTpmBy: "op" };

/** A machine that was born with TPM `a`, and is to be born again. */
function bound() {
  const world = testFleet();
  world.all(asked(1), issued(1), takes(proved("a")), healthy(1, 1), rebirth, asked(1), issued(1, "t2"));
  return world;
}

const strangers: readonly (readonly [TpmClaim | undefined, RegExp])[] = [
  [proved("b"), /expected its endorsement key a{16}, found endorsement key b{16}/],
  [{ kind: "unusable", reason: "code 0x101" }, /found a TPM that cannot be used: code 0x101/],
  [{ kind: "none" }, /found no TPM/],
  [undefined, /found a Bootstrap Image that cannot use TPMs/],
];

test("the first TPM that a machine proves is its TPM; what proves nothing binds nothing", () => {
  const world = testFleet();
  world.all(asked(1));
  for (const [boot, claim] of [
    { kind: "unusable", reason: "r" } as const,
    { kind: "none" } as const,
    undefined,
  ].entries()) {
    world.all(issued(1, `t${boot}`), takes(claim, `t${boot}`));
    assert.equal(world.get(1).tpm, undefined);
  }
  world.all(issued(1), takes(proved("a")));
  const { tpm } = world.get(1);
  assert.deepEqual(tpm, { ekSha256: "a".repeat(64), firstSeenMs: world.nowMs() });
  world.all(healthy(1, 1), rebirth, issued(1, "t9"), takes(proved("a"), "t9"));
  assert.deepEqual(world.get(1).tpm, tpm);
});

for (const [claim, found] of strangers)
  test(`a token of a bound machine with ${claim?.kind ?? "nothing"} gets no order, and sets conflict`, () => {
    const world = bound();
    const decision = world.apply(takes(claim, "t2"));
    assert.equal(decision.kind === "refused" && decision.refusal.kind, "otherTpm");
    const { order, conditions, tpm } = world.get(1);
    assert.equal(order?.taken, undefined);
    assert.equal(tpm?.ekSha256, "a".repeat(64));
    assert.deepEqual(
      conditions.map(({ kind }) => kind),
      ["conflict"],
    );
    assert.match(conditions[0]?.reason ?? "", found);
    assert.equal(world.apply(takes(claim, "t2")).machine, undefined, "the same again writes nothing");
    world.all(takes(proved("a"), "t2"));
    assert.deepEqual(world.get(1).conditions, [], "its own TPM ends the conflict, and the token still works");
  });

test("a wrong token sets no conflict, whatever it says of a TPM", () => {
  const world = bound();
  assert.equal(world.apply(takes(proved("b"), "invented")).machine, undefined);
});

test("a proof ends no conflict about anything else", () => {
  const world = bound();
  world.all({ kind: "conditionSet", id: id(1), condition: "conflict", reason: "cabling" }, takes(proved("a"), "t2"));
  assert.deepEqual(
    world.get(1).conditions.map(({ reason }) => reason),
    ["cabling"],
  );
});

test("an operator lets another TPM be trusted, also of a held machine", () => {
  const world = bound();
  world.apply(takes(proved("b"), "t2"));
  world.all(acceptTpm, takes(proved("b"), "t2"));
  assert.equal(world.get(1).tpm?.ekSha256, "b".repeat(64));
  assert.deepEqual(world.get(1).conditions, []);
  world.all({ kind: "conditionSet", id: id(1), condition: "hold", reason: "r" }, acceptTpm);
  assert.deepEqual([world.get(1).conditions, world.get(1).tpm], [[], undefined]);
  assert.equal(world.apply(acceptTpm).kind, "refused", "it is bound to none");
});

test("a retired machine keeps its TPM", () => {
  const world = bound();
  world.all({ kind: "retired", id: id(1), by: "op" });
  assert.equal(world.get(1).tpm?.ekSha256, "a".repeat(64));
});

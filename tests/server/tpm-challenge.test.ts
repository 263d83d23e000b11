import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { hexFromBytes } from "../../src/core/bytes/text.ts";
import { endorsementTemplate } from "../../src/core/tpm/public-area.ts";
import { openTpmJudge, type TpmJudgement } from "../../src/mdb/machine-api/tpm-challenge.ts";
import { makeTpm } from "../init/host/devices/tpm.ts";
import { bootWith, type KeyReport } from "../support/tpm-boot.ts";

const openJudge = () => openTpmJudge(randomBytes(32));
const challengeIn = (judgement: TpmJudgement) =>
  judgement.kind === "challenged" ? judgement.challenge : assert.fail(JSON.stringify(judgement));
const attempt = { tokenHash: "token", bootId: "boot" };
test("a proof is good for its token, boot and keys, and only where the challenge was made", () => {
  const judge = openJudge();
  const tpm = makeTpm();
  const { report, answer } = bootWith(tpm);
  const proof = answer(challengeIn(judge(report, attempt)));
  assert.deepEqual(judge(proof, attempt), { kind: "claimed", claim: { kind: "proved", ekSha256: tpm.ekSha256() } });
  const replays: readonly (readonly [string, TpmJudgement])[] = [
    ["another token", judge(proof, { ...attempt, tokenHash: "other" })],
    ["another boot", judge(proof, { ...attempt, bootId: "other" })],
    ["another activator", judge({ ...proof, activator: bootWith(tpm).report.activator }, attempt)],
    ["another TPM", judge({ ...proof, ek: bootWith(makeTpm()).report.ek }, attempt)],
    ["a cut secret", judge({ ...proof, secret: proof.secret?.slice(2) ?? "" }, attempt)],
    ["no secret", judge({ ...proof, secret: "" }, attempt)],
  ];
  for (const [what, judgement] of replays) assert.equal(judgement.kind, "challenged", what);

  const elsewhere = openJudge();
  const again = challengeIn(elsewhere(proof, attempt));
  assert.equal(elsewhere(answer(again), attempt).kind, "claimed", "after a restart, or at another server");
});

test("fields move no bytes between each other: the boot of one attempt is not part of the token of another", () => {
  const judge = openJudge();
  const { report, answer } = bootWith(makeTpm());
  const proof = answer(challengeIn(judge(report, { tokenHash: "ab", bootId: "c" })));
  assert.equal(judge(proof, { tokenHash: "a", bootId: "bc" }).kind, "challenged");
});

test("keys that no challenge can be made for prove nothing, and stop no birth", () => {
  const judge = openJudge();
  const { report } = bootWith(makeTpm());
  const rsa = endorsementTemplate("rsa2048");
  const ecc = endorsementTemplate("eccP256");
  const offCurve = Buffer.from(ecc).fill(7, ecc.length - 32);
  const hostile: readonly (readonly [string, Partial<KeyReport>, RegExp])[] = [
    ["nothing", { ek: "" }, /template L-1 or L-2/],
    ["another exponent", { ek: Buffer.from(rsa).fill(3, 55, 56).toString("hex") }, /template L-1 or L-2/],
    ["a modulus of zero", { ek: hexFromBytes(rsa) }, /invalid modulus/],
    ["an even modulus", { ek: Buffer.from(rsa).fill(0xfe, 58).toString("hex") }, /invalid modulus/],
    ["a point off the curve", { ek: offCurve.toString("hex") }, /invalid modulus or point/],
    ["a point at zero", { ek: hexFromBytes(ecc) }, /invalid modulus or point/],
    ["an activator with SHA-1", { activator: `00230004${report.activator.slice(8)}` }, /SHA-256 name/],
    ["no activator", { activator: "" }, /SHA-256 name/],
  ];
  for (const [what, change, reason] of hostile) {
    const judgement = judge({ ...report, ...change }, attempt);
    if (judgement.kind !== "claimed" || judgement.claim?.kind !== "unusable") assert.fail(`${what}: ${judgement.kind}`);
    assert.match(judgement.claim.reason, reason, what);
  }
});

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import type { TpmReport } from "../../src/contract/machine-facing.ts";
import type { Cursor } from "../../src/core/bytes/cursor.ts";
import { hexFromBytes } from "../../src/core/bytes/text.ts";
import {
  activateCredential,
  createPrimary,
  handles,
  policySecretOfEndorsement,
  startPolicySession,
} from "../../src/core/tpm/command.ts";
import { endorsementTemplate, signingTemplate } from "../../src/core/tpm/public-area.ts";
import { readActivated, readCreated, readResponse, readSession } from "../../src/core/tpm/response.ts";
import { openTpmJudge, type TpmJudgement } from "../../src/mdb/machine-api/tpm-challenge.ts";
import { type FakeTpm, makeTpm } from "../init/host/devices/tpm.ts";

const openJudge = () => openTpmJudge({ bytes: (count) => randomBytes(count) });
const attempt = { tokenHash: "token", bootId: "boot" };
type KeyReport = Extract<TpmReport, { kind: "key" }>;

/** One boot of a machine with this TPM: its report, and its answer to a challenge. */
function bootWith(tpm: FakeTpm) {
  const device = tpm.open("tpm");
  const run = <Result>(command: Uint8Array, read: (body: Cursor) => Result | undefined): Result => {
    device.write?.(command);
    const buffer = new Uint8Array(4096);
    const response = readResponse(buffer.subarray(0, device.read?.(buffer)));
    if (response.kind !== "success") assert.fail(JSON.stringify(response));
    return read(response.body) ?? assert.fail("the response is too short");
  };
  const endorsement = run(createPrimary(handles.endorsement, endorsementTemplate("rsa2048")), readCreated);
  const signing = run(createPrimary(handles.null, signingTemplate()), readCreated);
  const report: KeyReport = { kind: "key", ek: hexFromBytes(endorsement.area), activator: hexFromBytes(signing.area) };
  const answer = (judgement: TpmJudgement): KeyReport => {
    if (judgement.kind !== "challenged") assert.fail(JSON.stringify(judgement));
    const session = run(startPolicySession(new Uint8Array(16)), readSession);
    run(policySecretOfEndorsement(session), () => true);
    const { idObject, encryptedSecret } = judgement.challenge;
    const credential = { idObject: Buffer.from(idObject, "hex"), encryptedSecret: Buffer.from(encryptedSecret, "hex") };
    const of = { activated: signing.handle, endorsementKey: endorsement.handle, session };
    return { ...report, secret: hexFromBytes(run(activateCredential(of, credential), readActivated)) };
  };
  return { report, answer };
}

test("a proof is good for its token, boot and keys, and only where the challenge was made", () => {
  const judge = openJudge();
  const tpm = makeTpm();
  const { report, answer } = bootWith(tpm);
  const proof = answer(judge(report, attempt));
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
  const again = elsewhere(proof, attempt);
  assert.equal(again.kind, "challenged", "after a restart, or at another server, there is a new challenge");
  assert.equal(elsewhere(answer(again), attempt).kind, "claimed");
});

test("fields move no bytes between each other: the boot of one attempt is not part of the token of another", () => {
  const judge = openJudge();
  const { report, answer } = bootWith(makeTpm());
  const proof = answer(judge(report, { tokenHash: "ab", bootId: "c" }));
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

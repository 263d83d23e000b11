import assert from "node:assert/strict";
import type { OrderChallenge, TpmReport } from "../../src/contract/machine/order.ts";
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
import type { FakeTpm } from "../init/host/devices/tpm.ts";

/** The report of a machine that has a TPM. */
export type KeyReport = Extract<TpmReport, { kind: "key" }>;

/** One boot of a machine with this TPM: its report, and its answer to a challenge (an assertion fails if its TPM refuses). */
export function bootWith(tpm: FakeTpm) {
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
  const answer = ({ idObject, encryptedSecret }: OrderChallenge["challenge"]): KeyReport => {
    const session = run(startPolicySession(new Uint8Array(16)), readSession);
    run(policySecretOfEndorsement(session), () => true);
    const credential = { idObject: Buffer.from(idObject, "hex"), encryptedSecret: Buffer.from(encryptedSecret, "hex") };
    const of = { activated: signing.handle, endorsementKey: endorsement.handle, session };
    return { ...report, secret: hexFromBytes(run(activateCredential(of, credential), readActivated)) };
  };
  return { report, answer };
}

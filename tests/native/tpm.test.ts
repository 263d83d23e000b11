import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import type { Cursor } from "../../src/core/bytes/cursor.ts";
import {
  activateCredential,
  createPrimary,
  flushContext,
  handles,
  policySecretOfEndorsement,
  startPolicySession,
} from "../../src/core/tpm/command.ts";
import {
  endorsementKinds,
  endorsementTemplate,
  nameOfArea,
  readEndorsementArea,
  signingTemplate,
  writeEndorsementArea,
} from "../../src/core/tpm/public-area.ts";
import { readActivated, readCreated, readResponse, readSession } from "../../src/core/tpm/response.ts";
import { makeCredential } from "../../src/mdb/machine-api/make-credential.ts";
import { type Swtpm, startSwtpm } from "../support/swtpm.ts";

/** Sends a command that must succeed. */
async function done<Result>(tpm: Swtpm, command: Uint8Array, read: (body: Cursor) => Result | undefined) {
  const response = readResponse(await tpm.exchange(command));
  if (response.kind !== "success") assert.fail(JSON.stringify(response));
  return read(response.body) ?? assert.fail("the response is too short");
}

const nameOf = (area: Uint8Array) => nameOfArea(createHash("sha256").update(area).digest());
const secret = new Uint8Array(32).map((_, i) => i);

async function activated(tpm: Swtpm, kind: (typeof endorsementKinds)[number], made?: Uint8Array) {
  const endorsement = await done(tpm, createPrimary(handles.endorsement, endorsementTemplate(kind)), readCreated);
  const signing = await done(tpm, createPrimary(handles.null, signingTemplate()), readCreated);
  const session = await done(tpm, startPolicySession(new Uint8Array(16)), readSession);
  try {
    await done(tpm, policySecretOfEndorsement(session), () => true);
    const key = readEndorsementArea(made ?? endorsement.area) ?? assert.fail("not the public area of the template");
    assert.deepEqual(writeEndorsementArea(key), made ?? endorsement.area);
    const credential = makeCredential(key, nameOf(signing.area), secret);
    const of = { activated: signing.handle, endorsementKey: endorsement.handle, session };
    const response = readResponse(await tpm.exchange(activateCredential(of, credential)));
    const found = response.kind === "success" ? readActivated(response.body) : response;
    return { area: endorsement.area, found };
  } finally {
    for (const handle of [session, signing.handle, endorsement.handle]) await tpm.exchange(flushContext(handle));
  }
}

for (const kind of endorsementKinds)
  test(`a real TPM activates a credential for its ${kind} key, and no other TPM does`, async () => {
    await using ours = await startSwtpm();
    await using other = await startSwtpm();
    const first = await activated(ours, kind);
    assert.deepEqual(first.found, secret);
    const again = await activated(ours, kind);
    assert.deepEqual(again.area, first.area, "the endorsement key is always the same");
    const thief = await activated(other, kind, first.area);
    assert.notDeepEqual(thief.area, first.area);
    assert.equal(Object(thief.found).kind, "refused");
  });

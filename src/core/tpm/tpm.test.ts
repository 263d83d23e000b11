import assert from "node:assert/strict";
import { test } from "node:test";
import { hexFromBytes } from "../bytes/text.ts";
import {
  activateCredential,
  createPrimary,
  flushContext,
  handles,
  policySecretOfEndorsement,
  startPolicySession,
} from "./command.ts";
import { endorsementTemplate, readEndorsementArea, signingTemplate, writeEndorsementArea } from "./public-area.ts";
import { isBusy, lacksKind, readActivated, readCreated, readResponse, readSession } from "./response.ts";

const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex.replace(/\s/g, ""), "hex"));
const policy = "837197674484b3f81a90cc8d46a5d724fd52d76e06520b64f2a1da1b331469aa";
/** The low-range templates as the TCG EK Credential Profile lists them, B.3.3 and B.3.4. */
const templates = {
  rsa2048: `0001 000b 000300b2 0020 ${policy} 0006 0080 0043 0010 0800 00000000 0100 ${"00".repeat(256)}`,
  eccP256: `0023 000b 000300b2 0020 ${policy} 0006 0080 0043 0010 0003 0010 0020 ${"00".repeat(32)} 0020 ${"00".repeat(32)}`,
} as const;

for (const kind of ["rsa2048", "eccP256"] as const)
  test(`the template of the ${kind} endorsement key, and reading what it makes`, () => {
    const area = endorsementTemplate(kind);
    assert.equal(hexFromBytes(area), hexFromBytes(bytes(templates[kind])));
    const made = area.slice().fill(7, area.length - 20);
    const key = readEndorsementArea(made) ?? assert.fail("not read");
    assert.equal(key.kind, kind);
    assert.deepEqual(writeEndorsementArea(key), made);
    for (let length = 0; length < made.length; length += 1)
      assert.equal(readEndorsementArea(made.subarray(0, length)), undefined);
    assert.equal(readEndorsementArea(Uint8Array.of(...made, 0)), undefined);
    for (const at of [0, 3, 5, 20, 45]) {
      const other = made.slice();
      other[at] = 0xee;
      assert.equal(readEndorsementArea(other), undefined, `byte ${at} is not of the template`);
    }
  });

/** Byte by byte from the tables of the TPM Library, Part 3. */
const commands = [
  [
    "CreatePrimary",
    createPrimary(handles.null, signingTemplate()),
    `8002 00000041 00000131 40000007 00000009 40000009 0000 01 0000 0004 0000 0000
     0018 0023 000b 00050472 0000 0010 0018 000b 0003 0010 0000 0000 0000 00000000`,
  ],
  [
    "StartAuthSession",
    startPolicySession(bytes("0102")),
    "8001 0000001d 00000176 40000007 40000007 0002 0102 0000 01 0010 000b",
  ],
  [
    "PolicySecret",
    policySecretOfEndorsement(0x03000000),
    "8002 00000029 00000151 4000000b 03000000 00000009 40000009 0000 01 0000 0000 0000 0000 00000000",
  ],
  [
    "ActivateCredential",
    activateCredential(
      { activated: 0x80000001, endorsementKey: 0x80000000, session: 0x03000000 },
      { idObject: bytes("aabb"), encryptedSecret: bytes("cc") },
    ),
    "8002 0000002f 00000147 80000001 80000000 00000012 40000009 0000 01 0000 03000000 0000 01 0000 0002 aabb 0001 cc",
  ],
  ["FlushContext", flushContext(0x03000000), "8001 0000000e 00000165 03000000"],
] as const;
for (const [name, command, hex] of commands)
  test(`the bytes of ${name}`, () => assert.equal(hexFromBytes(command), hexFromBytes(bytes(hex))));

test("responses: success, a response code, and bytes that are none", () => {
  assert.deepEqual(readResponse(bytes("8001 0000000a 00000101")), { kind: "refused", code: 0x101 });
  for (const hex of ["", "8001 0000000a", "8001 0000000b 00000000", "8001 00000009 000000"])
    assert.equal(readResponse(bytes(hex)).kind, "misshapen");
  const created = readResponse(bytes("8002 00000016 00000000 80000000 00000006 0002 abcd"));
  assert.ok(created.kind === "success");
  assert.deepEqual(readCreated(created.body), { handle: 0x80000000, area: bytes("abcd") });
  const session = readResponse(bytes("8001 0000000e 00000000 03000000"));
  assert.equal(session.kind === "success" && readSession(session.body), 0x03000000);
  const activated = readResponse(bytes("8002 00000012 00000000 00000004 0002 1234"));
  assert.deepEqual(activated.kind === "success" && readActivated(activated.body), bytes("1234"));
  const short = readResponse(bytes("8002 00000012 00000000 00000004 0009 1234"));
  assert.equal(short.kind === "success" && readActivated(short.body), undefined);
});

test("a busy TPM is asked again; only a kind of key that it lacks is passed over", () => {
  assert.deepEqual([0x922, 0x908, 0x90a, 0x101].map(isBusy), [true, true, true, false]);
  // VALUE, ASYMMETRIC and KEY_SIZE of parameter 2; VALUE of handle 1; LOCKOUT; AUTH_FAIL of session 1; NV_RATE.
  assert.deepEqual([0x2c4, 0x2c1, 0x2c7, 0x184, 0x921, 0x98e, 0x920].map(lacksKind), [
    ...[true, true, true],
    ...[false, false, false, false],
  ]);
});

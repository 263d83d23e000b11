import * as host from "host";
import * as os from "os";
import { type TpmReport, tpmReasonLimit } from "../../../contract/machine/order.ts";
import type { Cursor } from "../../../core/bytes/cursor.ts";
import { hexFromBytes } from "../../../core/bytes/text.ts";
import type { Log } from "../../../core/ports.ts";
import {
  activateCredential,
  type Credential,
  createPrimary,
  flushContext,
  handles,
  policySecretOfEndorsement,
  startPolicySession,
} from "../../../core/tpm/command.ts";
import { misshapen, refusedBy, type TpmAnswer, type TpmDialogue } from "../../../core/tpm/dialogue.ts";
import { endorsementKinds, endorsementTemplate, signingTemplate } from "../../../core/tpm/public-area.ts";
import {
  type CreatedObject,
  isBusy,
  lacksKind,
  readActivated,
  readCreated,
  readResponse,
  readSession,
} from "../../../core/tpm/response.ts";
import { messageOf } from "../../birth/stop.ts";
import { sleepMs } from "../../system/clock.ts";
import { checked } from "../../system/errno.ts";
import { exists } from "../../system/files.ts";

/** The kernel's resource manager: it forgets objects and sessions when the device is closed. Only TPM 2.0 has one. */
const resourceManager = "/dev/tpmrm0";
const anyTpm = "/dev/tpm0";
/** The kernel's limit of a command and of a response (TPM_BUFSIZE). */
const bufferBytes = 4096;
/** A TPM that tests itself after its start is busy for seconds. */
const busyTries = 20;
const busyPauseMs = 500;
const nonceBytes = 16;

/** The time limit for making both keys: a TPM that searches primes for an RSA key takes up to a minute. */
export const tpmSeconds = 180;

/** What this machine tells the MDB of its TPM. */
export type Tpm = {
  /** What to send with the token; with a credential of the MDB, the proof. Never throws: a TPM that fails is *unusable*. */
  readonly report: (challenge?: Credential) => TpmReport;
  readonly close: () => void;
};

/** Opens the TPM and makes the endorsement key in it, which is the same key each time. */
export function openTpm(log: Log): Tpm {
  if (!exists(resourceManager)) {
    const reason = `expected TPM 2.0, found ${anyTpm} without ${resourceManager}`;
    const found: TpmReport = exists(anyTpm) ? { kind: "unusable", reason } : { kind: "none" };
    return { report: () => found, close: () => undefined };
  }
  let fd: number | undefined;
  let keys: EndorsedKeys | undefined;

  function report(challenge?: Credential): TpmReport {
    try {
      fd ??= checked(`open ${resourceManager}`, os.open(resourceManager, os.O_RDWR));
      keys ??= makeKeys(fd);
      const { endorsement, signing } = keys;
      const ours = { kind: "key", ek: hexFromBytes(endorsement.area), activator: hexFromBytes(signing.area) } as const;
      return challenge === undefined ? ours : { ...ours, secret: hexFromBytes(activate(fd, keys, challenge)) };
    } catch (error) {
      log("warn", "the TPM cannot be used", { fault: messageOf(error) });
      return { kind: "unusable", reason: messageOf(error).slice(0, tpmReasonLimit) };
    }
  }
  return {
    report,
    close: () => {
      if (fd !== undefined) os.close(fd);
      fd = undefined;
      keys = undefined;
    },
  };
}

/** The endorsement key, and the key that credentials are made for. */
type EndorsedKeys = { readonly endorsement: CreatedObject; readonly signing: CreatedObject };

function makeKeys(fd: number): EndorsedKeys {
  return {
    endorsement: makeEndorsementKey(fd),
    // In the null hierarchy, which has no password, and whose keys end with this boot.
    signing: transact(fd, "CreatePrimary", createPrimary(handles.null, signingTemplate()), readCreated),
  };
}

/** Takes the first kind of key that the TPM has. Only a kind that it lacks is passed over, so that the key is always the same. */
function makeEndorsementKey(fd: number): CreatedObject {
  for (const kind of endorsementKinds) {
    const command = createPrimary(handles.endorsement, endorsementTemplate(kind));
    const answer = exchange(fd, "CreatePrimary", command);
    if (answer.kind === "done") return whole("CreatePrimary", readCreated(answer.body));
    if (!lacksKind(answer.code)) throw refusedBy(`CreatePrimary of the ${kind} endorsement key`, answer.code);
  }
  throw new Error(`expected an endorsement key of a kind among ${endorsementKinds.join(", ")}, found none`);
}

function activate(fd: number, { endorsement, signing }: EndorsedKeys, credential: Credential): Uint8Array {
  const nonce = new Uint8Array(host.randomBytes(nonceBytes));
  const session = transact(fd, "StartAuthSession", startPolicySession(nonce), readSession);
  try {
    transact(fd, "PolicySecret", policySecretOfEndorsement(session), () => true);
    const of = { activated: signing.handle, endorsementKey: endorsement.handle, session };
    return transact(fd, "ActivateCredential", activateCredential(of, credential), readActivated);
  } finally {
    exchange(fd, "FlushContext", flushContext(session));
  }
}

/** Holds a dialogue with this machine's TPM; throws if it has none, or if the TPM fails. */
export function withTpm<Result>(work: (hold: <Part>(dialogue: TpmDialogue<Part>) => Part) => Result): Result {
  const fd = checked(`open ${resourceManager}`, os.open(resourceManager, os.O_RDWR));
  try {
    return work((dialogue) => {
      let step = dialogue.next();
      while (step.done !== true) step = dialogue.next(exchange(fd, step.value.name, step.value.bytes));
      return step.value;
    });
  } finally {
    os.close(fd);
  }
}

/** Whether the kernel has a TPM 2.0. */
export function hasTpm(): boolean {
  return exists(resourceManager);
}

/** Sends a command that must succeed, and reads its response. */
function transact<Result>(
  fd: number,
  name: string,
  command: Uint8Array,
  read: (body: Cursor) => Result | undefined,
): Result {
  const answer = exchange(fd, name, command);
  if (answer.kind === "refused") throw refusedBy(name, answer.code);
  return whole(name, read(answer.body));
}

/** Sends a command, again while the TPM is busy. */
function exchange(fd: number, name: string, command: Uint8Array): TpmAnswer {
  for (let tries = 1; ; tries += 1) {
    const response = readResponse(sendOnce(fd, name, command));
    if (response.kind === "misshapen") throw misshapen(name);
    if (response.kind === "success") return { kind: "done", body: response.body };
    if (!isBusy(response.code) || tries === busyTries) return response;
    sleepMs(busyPauseMs);
  }
}

/** The device takes a command in one write, and gives the whole response in one read. */
function sendOnce(fd: number, name: string, command: Uint8Array): Uint8Array {
  const operation = `TPM: ${name}`;
  const written = checked(operation, os.write(fd, command.slice().buffer, 0, command.length));
  if (written !== command.length)
    throw new Error(`${operation}: expected ${command.length} bytes written, found ${written}`);
  const response = new Uint8Array(bufferBytes);
  return response.subarray(0, checked(operation, os.read(fd, response.buffer, 0, bufferBytes)));
}

function whole<Result>(name: string, read: Result | undefined): Result {
  if (read === undefined) throw misshapen(name);
  return read;
}

import { type Cursor, cursorOver, readUnsigned } from "../bytes/cursor.ts";
import { readSized } from "./seal-command.ts";

/** A TPM's answer: what follows the header, or a response code; `misshapen` if it is no answer of a TPM. */
export type TpmResponse =
  | { readonly kind: "success"; readonly body: Cursor }
  | { readonly kind: "refused"; readonly code: number }
  | { readonly kind: "misshapen" };

/** Reads the header of a response (TPM Library, Part 1, 18.8). */
export function readResponse(bytes: Uint8Array): TpmResponse {
  const body = cursorOver(bytes);
  const [tag, size, code] = [readUnsigned(body, 2), readUnsigned(body, 4), readUnsigned(body, 4)];
  if (tag === undefined || code === undefined || size !== bytes.length) return { kind: "misshapen" };
  return code === 0 ? { kind: "success", body } : { kind: "refused", code };
}

/** An object that was created: its handle and its public area (TPMT_PUBLIC). */
export type CreatedObject = { readonly handle: number; readonly area: Uint8Array };

/** Reads the body of a TPM2_CreatePrimary response. */
export function readCreated(body: Cursor): CreatedObject | undefined {
  const handle = readUnsigned(body, 4);
  const parameters = readUnsigned(body, 4);
  const area = readSized(body);
  return handle === undefined || parameters === undefined || area === undefined ? undefined : { handle, area };
}

/** Reads the handle of a session from the body of a TPM2_StartAuthSession response. */
export function readSession(body: Cursor): number | undefined {
  return readUnsigned(body, 4);
}

/** Reads the secret from the body of a TPM2_ActivateCredential response. */
export function readActivated(body: Cursor): Uint8Array | undefined {
  return readUnsigned(body, 4) === undefined ? undefined : readSized(body);
}

/** Response codes after which the same command may succeed: RETRY, YIELDED, TESTING, NV_RATE (Part 2, 6.6.3). */
const passing: readonly number[] = [0x922, 0x908, 0x90a, 0x920];

/** Whether the TPM is only busy. */
export function isBusy(code: number): boolean {
  return passing.includes(code);
}

const aboutParameters = 0x0c0;
/** ASYMMETRIC, VALUE, KEY_SIZE, TYPE, CURVE: errors of format one, without the parameter's number. */
const unsupportedKey: readonly number[] = [0x081, 0x084, 0x087, 0x08a, 0x0a6];

/** Whether a TPM that refuses a template has no keys of this kind: a parameter's error that concerns its algorithm. */
export function lacksKind(code: number): boolean {
  return (code & aboutParameters) === aboutParameters && unsupportedKey.includes((code & 0x03f) | 0x080);
}

/** The response code in hex, as tools for TPMs print it (`tpm2_rc_decode`). */
export function codeText(code: number): string {
  return `0x${code.toString(16).padStart(3, "0")}`;
}

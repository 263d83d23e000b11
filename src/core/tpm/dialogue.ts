import type { Cursor } from "../bytes/cursor.ts";
import { codeText } from "./response.ts";

/** A command for a TPM, and its name in messages. */
export type TpmCommand = { readonly name: string; readonly bytes: Uint8Array };

/** What the TPM answered. */
export type TpmAnswer =
  | { readonly kind: "done"; readonly body: Cursor }
  | { readonly kind: "refused"; readonly code: number };

/** A dialogue with a TPM: yields commands, takes their answers, and ends with a result. */
export type TpmDialogue<Result> = Generator<TpmCommand, Result, TpmAnswer>;

/** Sends a command that must succeed, and reads its response; throws if it is refused. */
export function* transact<Result>(
  name: string,
  bytes: Uint8Array,
  read: (body: Cursor) => Result | undefined,
): TpmDialogue<Result> {
  const answer = yield { name, bytes };
  if (answer.kind === "refused") throw refusedBy(name, answer.code);
  const result = read(answer.body);
  if (result === undefined) throw misshapen(name);
  return result;
}

/** The error of a command that a TPM refused. */
export function refusedBy(name: string, code: number): Error {
  return new Error(`TPM: ${name}: expected success, found response code ${codeText(code)}`);
}

/** The error of an answer that is none of a TPM. */
export function misshapen(name: string): Error {
  return new Error(`TPM: ${name}: expected a response of TPM 2.0, found other bytes`);
}

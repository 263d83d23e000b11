import { type Builder, builtBytes, createBuilder, putBytes, putUnsigned } from "../bytes/builder.ts";

const tags = { noSessions: 0x8001, sessions: 0x8002 } as const;
const continueSession = 0x01;

/** A part of a command: appends its bytes. */
export type Part = (into: Builder) => void;

/** A TPM2B: two bytes of length, then the bytes. */
export const sized =
  (bytes: Uint8Array): Part =>
  (into) => {
    putUnsigned(into, bytes.length, 2);
    putBytes(into, bytes);
  };
/** An unsigned big-endian number. */
export const number =
  (value: number, size: 1 | 2 | 4): Part =>
  (into) =>
    putUnsigned(into, value, size);
/** An empty TPM2B. */
export const empty = sized(new Uint8Array());

/** One authorisation of the command: an empty password, or a policy session, whose HMAC is empty. */
const authorisation =
  (session: number): Part =>
  (into) => {
    putUnsigned(into, session, 4);
    empty(into);
    putUnsigned(into, continueSession, 1);
    empty(into);
  };

/** The bytes of parts in turn. */
export function bytesOf(parts: readonly Part[]): Uint8Array {
  const into = createBuilder(512);
  for (const part of parts) part(into);
  return builtBytes(into);
}

/** A whole command (Part 1, 18): header, handles, authorisations, parameters. */
export function command(
  code: number,
  of: {
    readonly handles: readonly number[];
    readonly sessions?: readonly number[];
    readonly parameters: readonly Part[];
  },
): Uint8Array {
  const sessions = of.sessions === undefined ? undefined : bytesOf(of.sessions.map(authorisation));
  const body = bytesOf([
    ...of.handles.map((handle) => number(handle, 4)),
    ...(sessions === undefined ? [] : [number(sessions.length, 4), (into: Builder) => putBytes(into, sessions)]),
    ...of.parameters,
  ]);
  const tag = sessions === undefined ? tags.noSessions : tags.sessions;
  return bytesOf([number(tag, 2), number(body.length + 10, 4), number(code, 4), (into) => putBytes(into, body)]);
}

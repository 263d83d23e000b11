/** The recovery of a sealed disk key. */
import * as v from "valibot";
import { hex } from "../bounded-values.ts";

/** `paths.recovery`: the nonce of a policy session of the machine's TPM. */
export const recoveryRequest = v.object({ nonce: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)) });

/** The authority's signature over that nonce: its public area as a TPM loads it, and the two numbers of ECDSA. */
export const recoveryAnswer = v.object({ verifier: hex(512), r: hex(32), s: hex(32) });
export type RecoveryAnswer = v.InferOutput<typeof recoveryAnswer>;

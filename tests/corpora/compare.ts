import assert from "node:assert/strict";
import type { Input } from "./inputs.ts";

/** What a decoder makes of a packet: texts by field, or why it refuses it. */
export type Reading =
  | { readonly kind: "read"; readonly fields: Fields }
  | { readonly kind: "refused"; readonly why: string };

/** A packet as we read it and as tshark does. */
export type Pair = { readonly input: Input; readonly ours: Reading; readonly theirs: Reading };

/** Every packet is read by both with equal fields, or refused by both; all that differ are named at once. */
export function assertSame(pairs: readonly Pair[]): void {
  const faults = pairs.flatMap(({ input, ours, theirs }) => {
    if (ours.kind === "refused" && theirs.kind === "refused") return [];
    if (ours.kind === "refused") return [`${input.from}: only we refuse it: ${ours.why}`];
    if (theirs.kind === "refused") return [`${input.from}: only tshark refuses it: ${theirs.why}`];
    return differences(ours.fields, theirs.fields).map((text) => `${input.from}: ${text}`);
  });
  assert.equal(faults.length, 0, `${faults.length} differences:\n${faults.slice(0, 40).join("\n")}`);
}

/** Texts by the names of fields. */
export type Fields = { readonly [name: string]: string };

function differences(ours: Fields, theirs: Fields): string[] {
  const names = [...new Set([...Object.keys(ours), ...Object.keys(theirs)])];
  return names
    .filter((name) => ours[name] !== theirs[name])
    .map((name) => `${name}: we read ${JSON.stringify(ours[name])}, tshark ${JSON.stringify(theirs[name])}`);
}

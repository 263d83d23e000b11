/** What messages between machines and the server are made of: each value has a limit, because the other side may be hostile. */
import * as v from "valibot";

/** A text without a limit of its own. */
export const text = v.pipe(v.string(), v.maxLength(4096));

/** The name of a part, as firmware, the kernel or a switch has it. */
export const name = v.pipe(v.string(), v.maxLength(512));

/** Parts of one kind in a machine. */
export const partsLimit = 512;

/** A whole number, never negative. */
export const count = v.pipe(v.number(), v.integer(), v.minValue(0));

/** Bytes in lower-case hex. */
export const hex = (mostBytes: number) => v.pipe(v.string(), v.regex(/^([0-9a-f]{2})*$/), v.maxLength(2 * mostBytes));

/** Where a machine serves others: an IPv4 address and a port. */
export const endpoint = v.pipe(v.string(), v.regex(/^\d{1,3}(\.\d{1,3}){3}:\d{1,5}$/));

/**
 * Protocol numbers: readers of messages ignore keys that they do not know, so what a reader must not ignore comes with a
 * higher number.
 */
import * as v from "valibot";

/** A message that carries no number was sent before there was one. */
export const firstProtocol = 1;

/** The number in a message. */
export const protocolNumber = v.optional(v.pipe(v.number(), v.integer(), v.minValue(firstProtocol)), firstProtocol);

const numbered = v.object({ protocol: v.number() });

/**
 * The protocol number of a message, if it is higher than the highest number that its reader knows. It is asked before the message is
 * read, because the rest of the message may have a form that the reader does not know.
 */
export function newerProtocol(message: unknown, known: number): number | undefined {
  return v.is(numbered, message) && message.protocol > known ? message.protocol : undefined;
}

/** DHCP message types by their number (RFC 2132 §9.6); 0 is unused. */
const messageTypes = [undefined, "discover", "offer", "request", "decline", "ack", "nak", "release", "inform"] as const;

/** Types that Birther does not handle (IANA "DHCP Message Type 53 Values"), by number from 9. */
const unhandledTypes = [
  "forceRenew",
  "leaseQuery",
  "leaseUnassigned",
  "leaseUnknown",
  "leaseActive",
  "bulkLeaseQuery",
  "leaseQueryDone",
  "activeLeaseQuery",
  "leaseQueryStatus",
  "tls",
] as const;

/** The name of a message type that Birther does not handle. */
export type UnhandledType = (typeof unhandledTypes)[number] | "unknownMessageType";

/** The name of an option 53 that is none of `MessageType`. */
export function unhandledType(value: Uint8Array): UnhandledType {
  const [code = 0] = value.length === 1 ? value : [];
  return unhandledTypes[code - messageTypes.length] ?? "unknownMessageType";
}

/** The type of a DHCP message. */
export type MessageType = Exclude<(typeof messageTypes)[number], undefined>;

/** The message type of a number; undefined for an unknown number. */
export function messageTypeOfCode(code: number): MessageType | undefined {
  return messageTypes[code];
}

/** The number of a message type. */
export function codeOfMessageType(type: MessageType): number {
  return messageTypes.indexOf(type);
}

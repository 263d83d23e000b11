/** DHCP message types by their number (RFC 2132 §9.6); 0 is unused. */
const messageTypes = [undefined, "discover", "offer", "request", "decline", "ack", "nak", "release", "inform"] as const;

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

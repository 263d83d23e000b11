/** DHCP message types at their number on the wire (RFC 2132 §9.6); 0 is none. */
const messageTypes = [undefined, "discover", "offer", "request", "decline", "ack", "nak", "release", "inform"] as const;

/** What a DHCP message is for. */
export type MessageType = Exclude<(typeof messageTypes)[number], undefined>;

/** The message type of a number; undefined if there is none with it. */
export function messageTypeOfCode(code: number): MessageType | undefined {
  return messageTypes[code];
}

/** The number of a message type. */
export function codeOfMessageType(type: MessageType): number {
  return messageTypes.indexOf(type);
}

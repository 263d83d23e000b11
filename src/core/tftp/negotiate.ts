import type { TftpOptions } from "./packet.ts";

/** The negotiated parameters of one transfer. */
export type Terms = {
  readonly blockBytes: number;
  /** Blocks sent before an ACK is awaited (RFC 7440); 1 is plain TFTP. */
  readonly windowBlocks: number;
  /** Initial time-out before a block is sent again. */
  readonly timeoutMs: number;
  /** The options of the OACK; empty if the client requested none, and then no OACK is sent. */
  readonly accepted: TftpOptions;
};

/** The facts about a file before it is sent. */
export type Sending = {
  readonly sizeBytes: number;
  readonly mode: "octet" | "netascii";
  /** MTU of the outgoing interface. */
  readonly mtuBytes: number;
};

/** IP, UDP and TFTP headers: many ROMs cannot reassemble fragments, so a block with its headers must fit into a frame (netboot.md T4, F4). */
const headerBytes = 32;
/** Upper limit: a larger MTU of the server says nothing about the client. */
const largestMtuBytes = 1500;

/** dnsmasq's limit; above 64 some clients fail (netboot.md F8). */
export const largestWindowBlocks = 32;

/** Negotiates the options of a request. Only requested options are answered: EDK2 rejects an unsolicited tsize as malformed (netboot.md T3). */
export function negotiate(options: TftpOptions, { sizeBytes, mode, mtuBytes }: Sending): Terms {
  const largestBlockBytes = Math.max(8, Math.min(mtuBytes, largestMtuBytes) - headerBytes);
  const terms = { blockBytes: 512, windowBlocks: 1, timeoutMs: 1000 };
  const accepted: [string, string][] = [];
  const seen = new Set<string>();
  for (const [name, value] of options) {
    const option = name.toLowerCase();
    const wanted = /^\d{1,10}$/.test(value) ? Number(value) : undefined;
    if (wanted === undefined || seen.has(option)) continue;
    seen.add(option);
    // RFC 2348: 8 to 65464; the answer may be smaller than the request, but not larger.
    if (option === "blksize" && wanted >= 8) {
      terms.blockBytes = Math.min(wanted, largestBlockBytes);
      accepted.push([name, String(terms.blockBytes)]);
    }
    // RFC 7440 §3.
    if (option === "windowsize" && wanted >= 1) {
      terms.windowBlocks = Math.min(wanted, largestWindowBlocks);
      accepted.push([name, String(terms.windowBlocks)]);
    }
    // RFC 2349: the answer is the requested number, or none.
    if (option === "timeout" && wanted >= 1 && wanted <= 255) {
      terms.timeoutMs = wanted * 1000;
      accepted.push([name, value]);
    }
    if (option === "tsize" && mode === "octet") accepted.push([name, String(sizeBytes)]);
  }
  return { ...terms, accepted };
}

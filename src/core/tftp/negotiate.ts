import type { TftpOptions } from "./packet.ts";

/** What both sides agreed on for one transfer. */
export type Terms = {
  readonly blockBytes: number;
  /** Blocks sent before an ACK is awaited (RFC 7440); 1 is plain TFTP. */
  readonly windowBlocks: number;
  /** How long to wait for an ACK before sending again, the first time. */
  readonly timeoutMs: number;
  /** The options of our OACK; empty if the client asked for none, and then none is sent. */
  readonly accepted: TftpOptions;
};

/** What is known about a file before it is sent. */
export type Sending = {
  readonly sizeBytes: number;
  readonly mode: "octet" | "netascii";
  /** Of the interface that it leaves by. */
  readonly mtuBytes: number;
};

/** IP, UDP and TFTP headers: many ROMs cannot put fragments together, so a block and these fill no more than a frame (netboot.md T4, F4). */
const headerBytes = 32;
/** A larger MTU of ours says nothing about the client's. */
const largestMtuBytes = 1500;

/** dnsmasq's limit; above 64 some clients fail (netboot.md F8). */
export const largestWindowBlocks = 32;

/** What a request's options lead to. Only what was asked is answered: EDK2 calls an unasked tsize malformed (netboot.md T3). */
export function negotiate(asked: TftpOptions, { sizeBytes, mode, mtuBytes }: Sending): Terms {
  const largestBlockBytes = Math.max(8, Math.min(mtuBytes, largestMtuBytes) - headerBytes);
  const terms = { blockBytes: 512, windowBlocks: 1, timeoutMs: 1000 };
  const accepted: [string, string][] = [];
  const seen = new Set<string>();
  for (const [name, value] of asked) {
    const option = name.toLowerCase();
    const wanted = /^\d{1,10}$/.test(value) ? Number(value) : undefined;
    if (wanted === undefined || seen.has(option)) continue;
    seen.add(option);
    // RFC 2348: 8 to 65464; a smaller answer than asked is allowed, a larger one not.
    if (option === "blksize" && wanted >= 8) {
      terms.blockBytes = Math.min(wanted, largestBlockBytes);
      accepted.push([name, String(terms.blockBytes)]);
    }
    // RFC 7440 §3.
    if (option === "windowsize" && wanted >= 1) {
      terms.windowBlocks = Math.min(wanted, largestWindowBlocks);
      accepted.push([name, String(terms.windowBlocks)]);
    }
    // RFC 2349: the answer is the number asked, or none.
    if (option === "timeout" && wanted >= 1 && wanted <= 255) {
      terms.timeoutMs = wanted * 1000;
      accepted.push([name, value]);
    }
    if (option === "tsize" && mode === "octet") accepted.push([name, String(sizeBytes)]);
  }
  return { ...terms, accepted };
}

import type { Terms } from "./negotiate.ts";
import { type MalformedTftp, type TftpPacket, tftpErrors } from "./packet.ts";

/** One file on its way to one client. Blocks are counted from 1 without roll-over; the wire has the lower 16 bits. */
export type Transfer = {
  readonly bytes: Uint8Array;
  readonly terms: Terms;
  readonly stage: "negotiating" | "sending";
  readonly ackedBlock: number;
  readonly sentBlock: number;
  /** The number of repetitions without progress, and the time since the latest progress. */
  readonly tries: number;
  readonly progressAtMs: number;
  /** Blocks sent so far, including repetitions. */
  readonly blocksSent: number;
  /** When the latest window was sent, and the smoothed time that full ones took to be acknowledged. */
  readonly sentAtMs: number;
  readonly roundTripMs: number;
  /** The client requested lost blocks, but the latest repetition is too recent: go back at the next wake-up. */
  readonly goBack: boolean;
  readonly wakeAtMs: number;
};

export type TransferEvent =
  | { readonly kind: "received"; readonly packet: TftpPacket | MalformedTftp }
  /** The same request arrived again from the same port: the first answer was lost (netboot.md T10). */
  | { readonly kind: "requestedAgain" }
  /** `wakeAtMs` has come. */
  | { readonly kind: "woken" };

export type TransferEnd =
  | { readonly kind: "sent" }
  /** A size probe: EDK2 requests the size, then ends with ERROR 8 (netboot.md F1). */
  | { readonly kind: "probed" }
  | { readonly kind: "aborted"; readonly code: number; readonly message: string }
  | { readonly kind: "timedOut"; readonly ackedBlock: number }
  /** More blocks were repeated than packet loss explains. */
  | { readonly kind: "wasteful"; readonly blocksSent: number };

/** Something to send: a packet, or the DATA packets of blocks counted from 1 without roll-over (blocks.ts). */
export type TransferSend =
  | (TftpPacket & { readonly kind: "optionAck" | "error" })
  | { readonly kind: "blocks"; readonly first: number; readonly last: number };

export type TransferStep =
  | { readonly kind: "going"; readonly transfer: Transfer; readonly send: readonly TransferSend[] }
  | { readonly kind: "ended"; readonly end: TransferEnd; readonly send: readonly TransferSend[] };

/** A transfer without progress ends after this time, or after three of the client's time-outs if those are longer. */
const retryMs = 23_000;
const longestTimeoutMs = 8000;
/**
 * With measured round trips, a lost block is sent again after four of them, but not sooner than this (the floor of Linux's TCP):
 * firmware that writes to its flash, or a busy switch, is late without a loss. An acknowledged `timeout` is kept instead.
 */
const shortestTimeoutMs = 200;
/** A longer measurement counts at once, and a shorter one by an eighth (RFC 6298 §2.3): late is worse than slow. */
const smoothing = 8;
/** Maximum number of blocks sent per block of the file: enough for a lost window each time, with reserve (netboot.md F3). */
const repeatsOf = (windowBlocks: number): number => 4 + windowBlocks;
const sparedWindows = 64;
/** Minimum interval between two repetitions of a window, even for a short round trip: a slow client may report each block in a separate millisecond. */
const shortestGoBackMs = (windowBlocks: number): number => 4 + windowBlocks;

/** Starts a transfer: with an OACK if options were requested, else with the first block. */
export function startTransfer(bytes: Uint8Array, terms: Terms, nowMs: number): TransferStep {
  const negotiating = terms.accepted.length > 0;
  const transfer: Transfer = {
    ...{ bytes, terms, stage: negotiating ? "negotiating" : "sending", ackedBlock: 0, sentBlock: 0, tries: 0 },
    ...{ progressAtMs: nowMs, blocksSent: 0 },
    ...{ sentAtMs: nowMs, roundTripMs: 0, goBack: false, wakeAtMs: nowMs + terms.timeoutMs },
  };
  return negotiating ? sendOptions(transfer, nowMs) : sendWindow(transfer, nowMs);
}

/** The next state of a transfer, and what to send. */
export function stepTransfer(transfer: Transfer, event: TransferEvent, nowMs: number): TransferStep {
  switch (event.kind) {
    case "woken":
      return wake(transfer, nowMs);
    case "requestedAgain":
      if (transfer.stage === "negotiating") return sendOptions(transfer, nowMs);
      return transfer.ackedBlock === 0 ? goBack(transfer, nowMs) : stay(transfer);
    case "received":
      if (event.packet.kind === "error") return endByClient(transfer, event.packet);
      if (event.packet.kind !== "ack") return stay(transfer);
      if (transfer.stage === "sending") return acknowledge(transfer, event.packet.block, nowMs);
      return event.packet.block === 0 ? beginSending(transfer, nowMs) : stay(transfer);
  }
}

/** ACK 0 arrived: the round trip of the OACK is the first measurement, unless the OACK was repeated. */
function beginSending(transfer: Transfer, nowMs: number): TransferStep {
  const roundTripMs = transfer.tries === 0 ? nowMs - transfer.sentAtMs : 0;
  return sendWindow({ ...transfer, stage: "sending", tries: 0, progressAtMs: nowMs, roundTripMs }, nowMs);
}

function acknowledge(transfer: Transfer, wireBlock: number, nowMs: number): TransferStep {
  const { ackedBlock, sentBlock, terms } = transfer;
  // The distance on the wire's 16-bit circle: 65535 is followed by 0 (netboot.md T7, F6).
  const progress = (wireBlock - ackedBlock) & 0xffff;
  if (progress > sentBlock - ackedBlock) return stay(transfer);
  // Sorcerer's Apprentice (RFC 1123 §4.2.3.1): an ACK seen twice never causes a second DATA.
  if (progress === 0) return terms.windowBlocks === 1 ? stay(transfer) : goBack(transfer, nowMs);
  const acked = ackedBlock + progress;
  if (acked === blockCount(transfer)) return { kind: "ended", end: { kind: "sent" }, send: [] };
  const moved = { ...transfer, ackedBlock: acked, tries: 0, progressAtMs: nowMs };
  if (acked < sentBlock) return slide(moved, nowMs);
  // An answer to a repeated packet is ambiguous (Karn's algorithm).
  const roundTripMs = transfer.tries === 0 ? smoothed(transfer.roundTripMs, nowMs - transfer.sentAtMs) : undefined;
  return sendWindow({ ...moved, roundTripMs: roundTripMs ?? transfer.roundTripMs }, nowMs);
}

function smoothed(beforeMs: number, measuredMs: number): number {
  return measuredMs >= beforeMs ? measuredMs : beforeMs + (measuredMs - beforeMs) / smoothing;
}

/**
 * Only the start of a window was acknowledged. The client counts a window from its latest ACK, so the blocks that fill that
 * window are sent; if the client is then silent or reports again, blocks are missing. Without this, a client whose windows
 * are offset from the server's by one extra or missing ACK would wait for the time-out in every window.
 */
function slide(transfer: Transfer, nowMs: number): TransferStep {
  const { sentBlock, ackedBlock, terms, roundTripMs } = transfer;
  const lastBlock = Math.min(ackedBlock + terms.windowBlocks, blockCount(transfer));
  const wakeAtMs = nowMs + Math.max(shortestGoBackMs(terms.windowBlocks), 2 * roundTripMs);
  const slid = { ...transfer, goBack: true, sentAtMs: nowMs, wakeAtMs };
  if (lastBlock === sentBlock) return stay(slid);
  const send: TransferSend[] = [{ kind: "blocks", first: sentBlock + 1, last: lastBlock }];
  const blocksSent = transfer.blocksSent + lastBlock - sentBlock;
  return { kind: "going", transfer: { ...slid, sentBlock: lastBlock, blocksSent }, send };
}

/**
 * Sends again from the first missing block, but only once per round trip: EDK2 acknowledges *every* block that is out of
 * order, and a window for each of those ACKs turned a 1.7 MB file into 20 GB of traffic (netboot.md F3).
 */
function goBack(transfer: Transfer, nowMs: number): TransferStep {
  const earliestMs =
    transfer.sentAtMs + Math.max(shortestGoBackMs(transfer.terms.windowBlocks), 2 * transfer.roundTripMs);
  if (nowMs >= earliestMs) return sendWindow(transfer, nowMs);
  if (transfer.goBack) return stay(transfer);
  return stay({ ...transfer, goBack: true, wakeAtMs: Math.min(transfer.wakeAtMs, earliestMs) });
}

function wake(transfer: Transfer, nowMs: number): TransferStep {
  if (nowMs < transfer.wakeAtMs) return stay(transfer);
  if (transfer.goBack) return sendWindow(transfer, nowMs);
  const tries = transfer.tries + 1;
  if (nowMs - transfer.progressAtMs >= Math.max(retryMs, 3 * transfer.terms.timeoutMs))
    return giveUp({ kind: "timedOut", ackedBlock: transfer.ackedBlock }, "no acknowledgement within the time limit");
  const again = { ...transfer, tries };
  return transfer.stage === "negotiating" ? sendOptions(again, nowMs) : sendWindow(again, nowMs);
}

function sendOptions(transfer: Transfer, nowMs: number): TransferStep {
  const send: TransferSend[] = [{ kind: "optionAck", options: transfer.terms.accepted }];
  return { kind: "going", transfer: { ...transfer, sentAtMs: nowMs, wakeAtMs: timeoutAt(transfer, nowMs) }, send };
}

function sendWindow(transfer: Transfer, nowMs: number): TransferStep {
  const { ackedBlock, terms } = transfer;
  const lastBlock = Math.min(ackedBlock + terms.windowBlocks, blockCount(transfer));
  const blocksSent = transfer.blocksSent + lastBlock - ackedBlock;
  const most = repeatsOf(terms.windowBlocks) * (blockCount(transfer) + sparedWindows);
  if (blocksSent > most) return giveUp({ kind: "wasteful", blocksSent }, "too many repeated blocks");
  const send: TransferSend[] = [{ kind: "blocks", first: ackedBlock + 1, last: lastBlock }];
  const sent = { sentBlock: lastBlock, blocksSent, sentAtMs: nowMs, goBack: false };
  return { kind: "going", transfer: { ...transfer, ...sent, wakeAtMs: timeoutAt(transfer, nowMs) }, send };
}

function giveUp(end: TransferEnd, message: string): TransferStep {
  return { kind: "ended", end, send: [{ kind: "error", code: tftpErrors.other, message }] };
}

/** A file always ends with a block that is not full, possibly an empty one (RFC 1350 §6). */
function blockCount(transfer: Transfer): number {
  return Math.floor(transfer.bytes.length / transfer.terms.blockBytes) + 1;
}

function timeoutAt({ terms, roundTripMs, tries }: Transfer, nowMs: number): number {
  const { timeoutMs, accepted } = terms;
  const isAgreed = accepted.some(([name]) => name.toLowerCase() === "timeout");
  const isMeasured = roundTripMs > 0 && !isAgreed;
  const firstMs = isMeasured ? Math.min(timeoutMs, Math.max(shortestTimeoutMs, 4 * roundTripMs)) : timeoutMs;
  return nowMs + Math.min(firstMs * 2 ** tries, Math.max(timeoutMs, longestTimeoutMs));
}

function endByClient(transfer: Transfer, error: TftpPacket & { kind: "error" }): TransferStep {
  const { code, message } = error;
  const probed = transfer.ackedBlock === 0 && code === tftpErrors.optionsRefused;
  return { kind: "ended", end: probed ? { kind: "probed" } : { kind: "aborted", code, message }, send: [] };
}

function stay(transfer: Transfer): TransferStep {
  return { kind: "going", transfer, send: [] };
}

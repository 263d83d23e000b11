/** Maximum number of concurrent transfers: four times what a hundred racks need, at some 300 bytes each. */
export const transferLimit = 16_384;

/** Maximum number of concurrent transfers per client address: firmware needs one; a machine that restarts repeatedly leaves some behind. */
export const clientTransferLimit = 32;

/** The decision about a request for another transfer. */
export type TransferStart =
  | "start"
  /** Replace the client's oldest transfer: its firmware waits for the newest one. */
  | "replaceOldest"
  /** No answer: the client retries after its time-out, when other transfers have ended (netboot.md F9). */
  | "drop";

/** Decides whether another transfer may start. */
export function admitTransfer(running: { readonly total: number; readonly ofClient: number }): TransferStart {
  if (running.ofClient >= clientTransferLimit) return "replaceOldest";
  return running.total >= transferLimit ? "drop" : "start";
}

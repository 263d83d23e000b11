/** Transfers at once over all clients: four times what a hundred racks need, at some 300 bytes each. */
export const transferLimit = 16_384;

/** Transfers at once of one client address: firmware has one, a machine that restarts again and again leaves some behind. */
export const clientTransferLimit = 32;

/** What becomes of a request for one more transfer. */
export type TransferStart =
  | "start"
  /** In the place of the client's oldest: the newest is the one that its firmware waits for. */
  | "replaceOldest"
  /** No answer: the client asks again after its time-out, when others are done (netboot.md F9). */
  | "drop";

/** Decides whether a transfer may begin beside those that run. */
export function admitTransfer(running: { readonly total: number; readonly ofClient: number }): TransferStart {
  if (running.ofClient >= clientTransferLimit) return "replaceOldest";
  return running.total >= transferLimit ? "drop" : "start";
}

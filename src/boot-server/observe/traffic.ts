import type { ServerResponse } from "node:http";
import type { TrafficView } from "../../contract/traffic.ts";
import type { TransferEnd } from "../../core/tftp/transfer.ts";
import { count } from "../dhcp/network-status.ts";

/** Counts TFTP and HTTP traffic. */
export type Traffic = {
  /** TFTP transfers by result, and refused requests. */
  readonly tftpEnds: Map<string, number>;
  /** A transfer of a file of this number of bytes has ended. */
  readonly noteTransfer: (end: TransferEnd["kind"], bytes: number) => void;
  /** Counts an answer after it was sent, or its client disconnected. */
  readonly follow: (response: ServerResponse) => void;
  readonly view: () => TrafficView;
};

/** Counters at zero. */
export function openTraffic(): Traffic {
  const tftpEnds = new Map<string, number>();
  const httpAnswers = new Map<string, number>();
  let tftpBytes = 0;
  let httpBytes = 0;
  return {
    tftpEnds,
    noteTransfer: (end, bytes) => {
      count(tftpEnds, end);
      if (end === "sent") tftpBytes += bytes;
    },
    follow: (response) => {
      const { socket } = response;
      // A connection is kept for many answers; bytes sent earlier do not belong to this one.
      const before = socket?.bytesWritten ?? 0;
      response.once("close", () => {
        count(httpAnswers, response.writableFinished ? String(response.statusCode) : "aborted");
        httpBytes += Math.max(0, (socket?.bytesWritten ?? before) - before);
      });
    },
    view: () => ({
      tftp: { transfers: Object.fromEntries(tftpEnds), bytes: tftpBytes },
      http: { answers: Object.fromEntries(httpAnswers), bytes: httpBytes },
    }),
  };
}

import type { ServerResponse } from "node:http";
import type { TrafficView } from "../../contract/traffic.ts";
import type { TransferEnd } from "../../core/tftp/transfer.ts";
import { count } from "../dhcp/network-status.ts";

/** Counts what is sent by TFTP and HTTP. */
export type Traffic = {
  /** TFTP transfers by how they ended, and requests that were refused. */
  readonly tftpEnds: Map<string, number>;
  /** A transfer of a file of so many bytes has ended. */
  readonly noteTransfer: (end: TransferEnd["kind"], bytes: number) => void;
  /** Counts an answer when it has gone out, or its client has gone away. */
  readonly follow: (response: ServerResponse) => void;
  readonly view: () => TrafficView;
};

/** Counters that stand at nothing. */
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
      // A connection is kept for many answers: what it had sent before is not this one's.
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

import type { RemoteInfo } from "node:dgram";
import { once } from "node:events";
import type { Log } from "../core/ports.ts";
import { blockHeaderBytes, writeBlocks } from "../core/tftp/blocks.ts";
import { writeTftp } from "../core/tftp/packet.ts";
import type { TransferSend } from "../core/tftp/transfer.ts";
import { openSegmentingSocket } from "./segmenting-socket.ts";

/** A client's end of a transfer. */
export type TftpPeer = { readonly address: string; readonly port: number };

/**
 * A port that all transfers of one block size share, so that the kernel can cut their windows into packets. The
 * client's port tells them apart; 69 is never used for data (netboot.md T1).
 */
export type TftpLane = AsyncDisposable & {
  readonly port: number;
  readonly send: (what: TransferSend, file: Uint8Array, peer: TftpPeer) => void;
};

/** Opens the lane for a block size at an address of ours. */
export async function openTftpLane(of: {
  readonly address: string;
  readonly blockBytes: number;
  readonly onPacket: (lane: TftpLane, bytes: Uint8Array, from: RemoteInfo) => void;
  readonly log: Log;
}): Promise<TftpLane> {
  const { address, blockBytes, log } = of;
  const port = await openSegmentingSocket(address, blockBytes + blockHeaderBytes);
  const { socket } = port;
  let closed = false;

  function sendBytes(bytes: Uint8Array, peer: TftpPeer): void {
    socket.send(bytes, 0, bytes.length, peer.port, peer.address, (error) => {
      if (error === null || closed) return;
      log("debug", "TFTP packet not sent", { client: peer.address, error: error.message });
      // A path or a device that takes no segments says EMSGSIZE, EINVAL or EIO (udp(7)); the client's time-out brings it back here.
      if (bytes.length > blockBytes + blockHeaderBytes && port.segments()) port.sendWhole();
    });
  }

  socket.on("message", (bytes, from) => of.onPacket(lane, bytes, from));
  socket.on("error", (error) => log("error", "TFTP socket failed", { address, error: error.message }));
  const lane: TftpLane = {
    port: socket.address().port,
    send: (what, file, peer) => {
      if (what.kind !== "blocks") return sendBytes(writeTftp(what), peer);
      if (port.segments()) return sendBytes(writeBlocks(file, blockBytes, what), peer);
      for (let block = what.first; block <= what.last; block += 1)
        sendBytes(writeBlocks(file, blockBytes, { first: block, last: block }), peer);
    },
    [Symbol.asyncDispose]: async () => {
      closed = true;
      const ended = once(socket, "close");
      socket.close();
      await ended;
    },
  };
  return lane;
}

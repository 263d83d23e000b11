import * as host from "host";
import * as os from "os";

/** Frames of one EtherType on a NIC. */
export type PacketSocket = {
  readonly send: (frame: Uint8Array) => void;
  /** The next frame, or undefined if none arrives in time. */
  readonly receive: (ms: number) => Uint8Array | undefined;
};

/** Runs `use` with a packet socket on a NIC, and closes the socket whatever happens. */
export function withPacketSocket<T>(nic: string, etherType: number, use: (socket: PacketSocket) => T): T {
  const socket = host.packetOpen(nic, etherType);
  try {
    return use({
      send: (frame) => {
        host.packetSend(socket, frame.slice().buffer);
      },
      receive: (ms) => {
        const frame = host.packetReceive(socket, ms);
        return frame === undefined ? undefined : new Uint8Array(frame);
      },
    });
  } finally {
    os.close(socket);
  }
}

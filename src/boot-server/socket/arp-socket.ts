import koffi from "koffi";
import { arpEtherType } from "../../core/net/arp.ts";
import type { Mac } from "../../core/net/mac.ts";
import { openPacketDescriptor } from "./packet-descriptor.ts";

const libc = koffi.load("libc.so.6");
const send = libc.func("intptr_t send(int, const uint8_t *, size_t, int)");
const recv = libc.func("intptr_t recv(int, _Out_ uint8_t *, size_t, int)");

/** An ARP message with its Ethernet header and padding; longer frames are cut off. */
const frameBytes = 64;

/** Sends and receives the ARP frames of one wire. */
export type ArpSocket = {
  /** The interface's own MAC address. */
  readonly mac: Mac;
  /** False if the frame could not be sent: no buffer space, or the link is down. */
  readonly send: (frame: Uint8Array) => boolean;
  /** The next frame that was received since the socket was opened; undefined if there is none. */
  readonly receive: () => Uint8Array | undefined;
  readonly [Symbol.dispose]: () => void;
};

/** Opens one on an interface; undefined without permission (CAP_NET_RAW) or without the interface. */
export function openArpSocket(interfaceName: string): ArpSocket | undefined {
  const opened = openPacketDescriptor(interfaceName, { type: "raw", etherType: arpEtherType });
  if (opened === undefined) return undefined;
  const { fd, mac } = opened;
  return {
    mac,
    send: (frame) => send(fd, frame, frame.length, 0) === frame.length,
    receive: () => {
      const frame = new Uint8Array(frameBytes);
      const count = Number(recv(fd, frame, frame.length, 0));
      return count < 0 ? undefined : frame.subarray(0, count);
    },
    [Symbol.dispose]: opened[Symbol.dispose],
  };
}

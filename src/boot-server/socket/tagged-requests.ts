import koffi from "koffi";
import { openPacketDescriptor } from "./packet-descriptor.ts";
import { socketLevel } from "./socket-descriptor.ts";

const libc = koffi.load("libc.so.6");
const instruction = koffi.struct({ code: "uint16_t", jt: "uint8_t", jf: "uint8_t", k: "uint32_t" });
const program = koffi.struct({ len: "uint16_t", filter: koffi.pointer(instruction) });
const attach = libc.func("setsockopt", "int", ["int", "int", "int", koffi.pointer(program), "uint32_t"]);
const recv = libc.func("intptr_t recv(int, _Out_ uint8_t *, size_t, int)");

// asm-generic/socket.h
const attachFilter = 26;
const ipv4EtherType = 0x0800;
const payloadAt = 42;
/** A frame without fragments. */
const frameBytes = 1514;
/** Frames read at once, so that a storm of them does not hold up the packets. */
const framesPerLook = 64;
const lookEveryMs = 1000;

/** linux/bpf_common.h: load a byte or half word, jump if equal, accept. */
const loadByte = 0x30;
const loadHalf = 0x28;
const jumpIfEqual = 0x15;
const accept = 0x06;
/** linux/filter.h: SKF_AD_OFF + SKF_AD_PKTTYPE; linux/if_packet.h: PACKET_OTHERHOST. */
const packetType = 0xfffff004;
const toOtherHost = 3;
const udp = 17;
const dhcpPort = 67;

/**
 * Broadcast DHCP requests with a VLAN tag for which this computer has no interface. The kernel removes the tag and marks such
 * a frame as another host's (net/core/dev.c), which a broadcast without a tag never is.
 */
const filter = [
  { code: loadHalf, jt: 0, jf: 0, k: packetType },
  { code: jumpIfEqual, jt: 0, jf: 7, k: toOtherHost },
  { code: loadHalf, jt: 0, jf: 0, k: 0 },
  { code: jumpIfEqual, jt: 0, jf: 5, k: 0xffff },
  { code: loadByte, jt: 0, jf: 0, k: 23 },
  { code: jumpIfEqual, jt: 0, jf: 3, k: udp },
  { code: loadHalf, jt: 0, jf: 0, k: 36 },
  { code: jumpIfEqual, jt: 0, jf: 1, k: dhcpPort },
  { code: accept, jt: 0, jf: 0, k: frameBytes },
  { code: accept, jt: 0, jf: 0, k: 0 },
];

/** Hears the DHCP requests that arrive on an interface with a VLAN tag; nothing without permission (CAP_NET_RAW). */
export function receiveTaggedRequests(interfaceName: string, take: (payload: Uint8Array) => void): Disposable {
  const opened = openPacketDescriptor(interfaceName, { type: "raw", etherType: ipv4EtherType });
  if (opened === undefined) return { [Symbol.dispose]: () => {} };
  const { fd } = opened;
  const isFiltered = attach(fd, socketLevel, attachFilter, { len: filter.length, filter }, koffi.sizeof(program)) === 0;
  const next = () => {
    const frame = new Uint8Array(frameBytes);
    const count = Number(recv(fd, frame, frame.length, 0));
    return count < 0 ? undefined : frame.subarray(0, count);
  };
  // Frames between the bind and the filter.
  for (let frames = 0; frames < framesPerLook && next() !== undefined; frames += 1);
  const look = () => {
    for (let frames = 0; frames < framesPerLook; frames += 1) {
      const frame = next();
      if (frame === undefined) return;
      take(frame.subarray(payloadAt));
    }
  };
  const timer = isFiltered ? setInterval(look, lookEveryMs) : undefined;
  return {
    [Symbol.dispose]: () => {
      clearInterval(timer);
      opened[Symbol.dispose]();
    },
  };
}

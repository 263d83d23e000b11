import koffi from "koffi";
import type { Ipv4 } from "../../core/net/ipv4.ts";

/*
 * Memory for recvmmsg(2) and sendmmsg(2): rows of struct mmsghdr with everything they point to, laid out once. The
 * offsets are those of 64-bit Linux, little-endian (x86-64 and arm64): bits/socket.h, bits/types/struct_iovec.h,
 * linux/udp.h.
 */
const headerBytes = 64;
const offsets = { name: 0, nameLength: 8, pieces: 16, pieceCount: 24, control: 32, controlLength: 40, length: 56 };
const nameBytes = 16;
const pieceBytes = 16;
const controlBytes = 24;
const udpLevel = 17;
const udpSegment = 103;
const afInet = 2;

/** The other end of a datagram. */
export type Peer = { readonly address: Ipv4; readonly port: number };

/** Native memory with a known address; it does not move while it is held. */
type Memory = { readonly bytes: Uint8Array; readonly view: DataView; readonly address: number };

function allocate(size: number): Memory {
  const bytes = new Uint8Array(new ArrayBuffer(size));
  return { bytes, view: new DataView(bytes.buffer), address: addressOf(bytes) };
}

/** The address of bytes in memory: a user-space address has 47 bits, so a number can hold it. */
export function addressOf(bytes: Uint8Array): number {
  return Number(koffi.address(bytes));
}

function putAddress(view: DataView, at: number, address: number): void {
  view.setUint32(at, address % 2 ** 32, true);
  view.setUint32(at + 4, Math.floor(address / 2 ** 32), true);
}

function namesOf(memory: Memory, start: number) {
  return {
    put: (slot: number, { address, port }: Peer): void => {
      const at = start + slot * nameBytes;
      memory.view.setUint16(at, afInet, true);
      memory.view.setUint16(at + 2, port);
      memory.view.setUint32(at + 4, address);
    },
    get: (slot: number): Peer => {
      const at = start + slot * nameBytes;
      return { port: memory.view.getUint16(at + 2), address: memory.view.getUint32(at + 4) as Ipv4 };
    },
  };
}

/** Room to receive `count` datagrams of at most `datagramBytes` each in one call; longer ones are cut off. */
export type ReceiveSlots = {
  readonly address: number;
  readonly count: number;
  readonly peer: (slot: number) => Peer;
  /** The received datagram; valid until the next call. */
  readonly bytes: (slot: number) => Uint8Array;
};

/** Lays out slots for recvmmsg(2). */
export function layReceiveSlots(count: number, datagramBytes: number): ReceiveSlots {
  const nameAt = count * headerBytes;
  const pieceAt = nameAt + count * nameBytes;
  const dataAt = pieceAt + count * pieceBytes;
  const memory = allocate(dataAt + count * datagramBytes);
  const { view, address } = memory;
  for (let slot = 0; slot < count; slot += 1) {
    const at = slot * headerBytes;
    putAddress(view, at + offsets.name, address + nameAt + slot * nameBytes);
    view.setUint32(at + offsets.nameLength, nameBytes, true);
    putAddress(view, at + offsets.pieces, address + pieceAt + slot * pieceBytes);
    view.setUint32(at + offsets.pieceCount, 1, true);
    putAddress(view, pieceAt + slot * pieceBytes, address + dataAt + slot * datagramBytes);
    view.setUint32(pieceAt + slot * pieceBytes + 8, datagramBytes, true);
  }
  return {
    ...{ address, count, peer: namesOf(memory, nameAt).get },
    bytes: (slot) => {
      const length = Math.min(datagramBytes, view.getUint32(slot * headerBytes + offsets.length, true));
      return memory.bytes.subarray(dataAt + slot * datagramBytes, dataAt + slot * datagramBytes + length);
    },
  };
}

/** Room to send `count` messages in one call, each gathered from pieces. */
export type SendSlots = {
  readonly count: number;
  /** The address of a slot's header. */
  readonly addressOf: (slot: number) => number;
  /**
   * Starts a message; with `segmentBytes` the kernel cuts it into datagrams of that length (UDP_SEGMENT, Linux 4.18).
   */
  readonly begin: (slot: number, peer: Peer, segmentBytes: number | undefined) => void;
  /** Copies a few bytes to the end of the message: at most `scratchBytes` in all. */
  readonly copy: (slot: number, bytes: Uint8Array) => void;
  /** Adds bytes in place; the caller holds them until they are sent. */
  readonly refer: (slot: number, address: number, length: number) => void;
};

/** Limits of pieces and copied bytes per message. */
export type SlotLimits = { readonly pieces: number; readonly scratchBytes: number };

/** Lays out slots for sendmmsg(2). */
export function laySendSlots(count: number, limits: SlotLimits): SendSlots {
  const nameAt = count * headerBytes;
  const controlAt = nameAt + count * nameBytes;
  const pieceAt = controlAt + count * controlBytes;
  const scratchAt = pieceAt + count * limits.pieces * pieceBytes;
  const memory = allocate(scratchAt + count * limits.scratchBytes);
  const { view, address } = memory;
  const names = namesOf(memory, nameAt);
  const pieces = new Uint32Array(count);
  const copied = new Uint32Array(count);
  for (let slot = 0; slot < count; slot += 1) {
    const at = slot * headerBytes;
    putAddress(view, at + offsets.name, address + nameAt + slot * nameBytes);
    view.setUint32(at + offsets.nameLength, nameBytes, true);
    putAddress(view, at + offsets.pieces, address + pieceAt + slot * limits.pieces * pieceBytes);
    putAddress(view, at + offsets.control, address + controlAt + slot * controlBytes);
    // struct cmsghdr: length, level, type; then a 16-bit number.
    const control = controlAt + slot * controlBytes;
    view.setUint32(control, 16 + 2, true);
    view.setUint32(control + 8, udpLevel, true);
    view.setUint32(control + 12, udpSegment, true);
  }
  const refer = (slot: number, from: number, length: number): void => {
    const piece = pieces[slot] ?? 0;
    if (piece >= limits.pieces)
      throw new Error(`sending a message: expected at most ${limits.pieces} pieces, found more`);
    const at = pieceAt + (slot * limits.pieces + piece) * pieceBytes;
    putAddress(view, at, from);
    view.setUint32(at + 8, length, true);
    pieces[slot] = piece + 1;
    view.setUint32(slot * headerBytes + offsets.pieceCount, piece + 1, true);
  };
  return {
    ...{ count, refer },
    addressOf: (slot) => address + slot * headerBytes,
    begin: (slot, peer, segmentBytes) => {
      names.put(slot, peer);
      pieces[slot] = 0;
      copied[slot] = 0;
      const at = slot * headerBytes;
      view.setUint32(at + offsets.pieceCount, 0, true);
      view.setUint32(at + offsets.controlLength, segmentBytes === undefined ? 0 : controlBytes, true);
      if (segmentBytes !== undefined) view.setUint16(controlAt + slot * controlBytes + 16, segmentBytes, true);
    },
    copy: (slot, bytes) => {
      const already = copied[slot] ?? 0;
      if (already + bytes.length > limits.scratchBytes)
        throw new Error(`sending a message: expected at most ${limits.scratchBytes} copied bytes, found more`);
      const at = scratchAt + slot * limits.scratchBytes + already;
      memory.bytes.set(bytes, at);
      copied[slot] = already + bytes.length;
      refer(slot, address + at, bytes.length);
    },
  };
}

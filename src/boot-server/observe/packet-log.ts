import type { MachineId } from "../../core/machine/record.ts";
import type { Ipv4 } from "../../core/net/ipv4.ts";

/** A datagram as it was seen: payload only. */
export type LoggedPacket = {
  readonly atMs: number;
  readonly direction: "in" | "out";
  readonly protocol: "dhcp" | "tftp";
  readonly source: { readonly address: Ipv4; readonly port: number };
  readonly destination: { readonly address: Ipv4; readonly port: number };
  readonly bytes: Uint8Array;
};

/** Packets kept per machine. */
const packetLimit = 50;

/** Packets kept of all machines together; beyond it the machine not heard for longest is forgotten first. */
const totalLimitBytes = 64 * 1024 * 1024;

/** Estimated cost of an entry in addition to its payload. */
const entryBytes = 400;

/**
 * Room for the payload of nearly any packet (RFC 2131 §2: clients accept 576 bytes with IP and UDP, and seldom send
 * more).
 */
const cellBytes = 512;

/** Cells allocated at once. */
const chunkCells = 128;

const noRoom = new Uint8Array();

/** The last packets of each machine, in bounded memory. */
export type PacketLog = {
  /** Copies the bytes, so that the caller may reuse their buffer. */
  readonly note: (id: MachineId, packet: LoggedPacket) => void;
  /** Oldest first. */
  readonly of: (id: MachineId) => readonly LoggedPacket[];
};

/** One stored packet; its payload is the first `length` bytes of `room`. */
type Entry = {
  atMs: number;
  direction: LoggedPacket["direction"];
  protocol: LoggedPacket["protocol"];
  source: LoggedPacket["source"];
  destination: LoggedPacket["destination"];
  room: Uint8Array;
  length: number;
};

/**
 * The packets of a machine. At the limit, the oldest is at `oldest`, and the next packet replaces it. Machines form a
 * list in the order in which they were last heard; a sentinel begins and ends it.
 */
type Ring = { readonly id: MachineId; readonly entries: Entry[]; oldest: number; earlier: Ring; later: Ring };

/** An empty log. */
export function openPacketLog(limitBytes: number = totalLimitBytes): PacketLog {
  const machines = new Map<MachineId, Ring>();
  // A linked list, not the order of the map: moving a machine to the map's end costs more, and leaves holes before the
  // first.
  const ends = ringOf("" as MachineId);
  // Unused cells. Allocating an array for each packet costs the kernel's and the collector's time, too.
  const cells: Uint8Array[] = [];
  let totalBytes = 0;

  function received(id: MachineId): Ring {
    // A packet and its answer follow each other.
    if (ends.earlier.id === id) return ends.earlier;
    const known = machines.get(id);
    if (known !== undefined) unlink(known);
    const ring = known ?? ringOf(id);
    if (known === undefined) machines.set(id, ring);
    ring.earlier = ends.earlier;
    ring.later = ends;
    ends.earlier.later = ring;
    ends.earlier = ring;
    return ring;
  }
  function roomFor(length: number): Uint8Array {
    if (length > cellBytes) return new Uint8Array(length);
    if (cells.length === 0) {
      const chunk = new Uint8Array(chunkCells * cellBytes);
      for (let at = 0; at < chunk.length; at += cellBytes) cells.push(chunk.subarray(at, at + cellBytes));
    }
    return cells.pop() as Uint8Array;
  }
  function leave({ room }: Entry): void {
    totalBytes -= room.length;
    if (room.length === cellBytes) cells.push(room);
  }
  function write(entry: Entry, bytes: Uint8Array): void {
    if (entry.room.length < bytes.length) {
      leave(entry);
      entry.room = roomFor(bytes.length);
      totalBytes += entry.room.length;
    }
    entry.room.set(bytes);
    entry.length = bytes.length;
  }

  function forget(ring: Ring): void {
    for (const entry of ring.entries) leave(entry);
    totalBytes -= ring.entries.length * entryBytes;
    unlink(ring);
    machines.delete(ring.id);
  }

  return {
    note: (id, { atMs, direction, protocol, source, destination, bytes }) => {
      const ring = received(id);
      const { entries } = ring;
      if (entries.length < packetLimit) {
        const entry = { atMs, direction, protocol, source, destination, room: noRoom, length: 0 };
        write(entry, bytes);
        entries.push(entry);
        totalBytes += entryBytes;
      } else {
        const entry = entries[ring.oldest] as Entry;
        ring.oldest = (ring.oldest + 1) % packetLimit;
        entry.atMs = atMs;
        entry.direction = direction;
        entry.protocol = protocol;
        entry.source = source;
        entry.destination = destination;
        write(entry, bytes);
      }
      while (totalBytes > limitBytes && ends.later !== ring) forget(ends.later);
    },
    of: (id) => {
      const { entries, oldest } = machines.get(id) ?? { entries: [], oldest: 0 };
      return [...entries.slice(oldest), ...entries.slice(0, oldest)].map(({ room, length, ...facts }) => ({
        ...facts,
        bytes: room.slice(0, length),
      }));
    },
  };
}

function ringOf(id: MachineId): Ring {
  // A machine outside the list is linked to itself.
  const ring = { id, entries: [] as Entry[], oldest: 0 } as Ring;
  ring.earlier = ring;
  ring.later = ring;
  return ring;
}

function unlink({ earlier, later }: Ring): void {
  earlier.later = later;
  later.earlier = earlier;
}

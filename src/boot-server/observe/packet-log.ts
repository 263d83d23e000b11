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
  /** It arrived with a VLAN tag, which is not supported. */
  readonly tagged?: true | undefined;
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
  tagged: LoggedPacket["tagged"];
  room: Uint8Array;
  length: number;
};

/** The packets of a machine. At the limit, the oldest is at `oldest`, and the next packet replaces it. */
type Ring = { readonly id: MachineId; readonly entries: Entry[]; oldest: number; earlier: Ring; later: Ring };

/** An empty log. */
export function openPacketLog(limitBytes: number = totalLimitBytes): PacketLog {
  const machines = new Map<MachineId, Ring>();
  const order = new RecencyOrder();
  const memory = new PayloadMemory();

  function ringOf(id: MachineId): Ring {
    // A packet and its answer follow each other.
    if (order.last.id === id) return order.last;
    let ring = machines.get(id);
    if (ring === undefined) {
      ring = emptyRing(id);
      machines.set(id, ring);
    }
    order.moveToEnd(ring);
    return ring;
  }
  function forget(ring: Ring): void {
    for (const entry of ring.entries) memory.remove(entry);
    order.remove(ring);
    machines.delete(ring.id);
  }

  return {
    note: (id, { atMs, direction, protocol, source, destination, tagged, bytes }) => {
      const ring = ringOf(id);
      const { entries } = ring;
      if (entries.length < packetLimit) {
        const entry = { atMs, direction, protocol, source, destination, tagged, room: noRoom, length: 0 };
        entries.push(entry);
        memory.add(entry, bytes);
      } else {
        const entry = entries[ring.oldest] as Entry;
        ring.oldest = (ring.oldest + 1) % packetLimit;
        entry.atMs = atMs;
        entry.direction = direction;
        entry.protocol = protocol;
        entry.source = source;
        entry.destination = destination;
        entry.tagged = tagged;
        memory.write(entry, bytes);
      }
      while (memory.totalBytes > limitBytes && order.first !== ring) forget(order.first);
    },
    of: (id) => {
      const { entries, oldest } = machines.get(id) ?? { entries: [], oldest: 0 };
      return [...entries.slice(oldest), ...entries.slice(0, oldest)].map(({ room, length, tagged, ...facts }) => ({
        ...facts,
        ...(tagged === undefined ? {} : { tagged }),
        bytes: room.slice(0, length),
      }));
    },
  };
}

/** The memory for payloads. Allocating an array for each packet costs the kernel's and the collector's time, too. */
class PayloadMemory {
  /** What all entries cost. */
  totalBytes = 0;
  readonly #unusedCells: Uint8Array[] = [];

  /** Gives a new entry its payload. */
  add(entry: Entry, bytes: Uint8Array): void {
    this.write(entry, bytes);
    this.totalBytes += entryBytes;
  }

  /** Replaces the payload of an entry. */
  write(entry: Entry, bytes: Uint8Array): void {
    if (entry.room.length < bytes.length) {
      this.#free(entry);
      entry.room = this.#allocate(bytes.length);
      this.totalBytes += entry.room.length;
    }
    entry.room.set(bytes);
    entry.length = bytes.length;
  }

  remove(entry: Entry): void {
    this.#free(entry);
    this.totalBytes -= entryBytes;
  }

  #free({ room }: Entry): void {
    this.totalBytes -= room.length;
    if (room.length === cellBytes) this.#unusedCells.push(room);
  }

  #allocate(length: number): Uint8Array {
    if (length > cellBytes) return new Uint8Array(length);
    const cells = this.#unusedCells;
    if (cells.length === 0) {
      const chunk = new Uint8Array(chunkCells * cellBytes);
      for (let at = 0; at < chunk.length; at += cellBytes) cells.push(chunk.subarray(at, at + cellBytes));
    }
    return cells.pop() as Uint8Array;
  }
}

/**
 * Machines in the order of their latest packets: a linked list, because moving a machine to the end of a map
 * costs more, and leaves holes before the first. A sentinel begins and ends it.
 */
class RecencyOrder {
  readonly #ends = emptyRing("" as MachineId);

  /** The machine whose latest packet is oldest; the sentinel if there is none. */
  get first(): Ring {
    return this.#ends.later;
  }

  /** The machine with the latest packet; the sentinel if there is none. */
  get last(): Ring {
    return this.#ends.earlier;
  }

  moveToEnd(ring: Ring): void {
    this.remove(ring);
    ring.earlier = this.#ends.earlier;
    ring.later = this.#ends;
    this.#ends.earlier.later = ring;
    this.#ends.earlier = ring;
  }

  remove({ earlier, later }: Ring): void {
    earlier.later = later;
    later.earlier = earlier;
  }
}

function emptyRing(id: MachineId): Ring {
  // A machine outside the list is linked to itself.
  const ring = { id, entries: [] as Entry[], oldest: 0 } as Ring;
  ring.earlier = ring;
  ring.later = ring;
  return ring;
}

import type { MachineId } from "../core/machine/record.ts";

/** A datagram as it was seen: payload only; where it came from and went to as dotted quads. */
export type LoggedPacket = {
  readonly atMs: number;
  readonly direction: "in" | "out";
  readonly protocol: "dhcp" | "tftp";
  readonly source: { readonly address: string; readonly port: number };
  readonly destination: { readonly address: string; readonly port: number };
  readonly bytes: Uint8Array;
};

/** Kept per machine. */
const packetLimit = 50;

/** Kept of all machines together; then the machine that was silent the longest is forgotten first. */
const totalLimitBytes = 64 * 1024 * 1024;

/** What an entry costs beside its payload, by rule of thumb. */
const entryBytes = 400;

/** The last packets of each machine, in bounded memory. */
export type PacketLog = {
  readonly note: (id: MachineId, packet: LoggedPacket) => void;
  /** Oldest first. */
  readonly of: (id: MachineId) => readonly LoggedPacket[];
};

/** An empty log. */
export function openPacketLog(limitBytes: number = totalLimitBytes): PacketLog {
  // In the order in which machines were last heard: re-inserted at each packet.
  const machines = new Map<MachineId, LoggedPacket[]>();
  let totalBytes = 0;
  const cost = (packet: LoggedPacket) => packet.bytes.length + entryBytes;
  return {
    note: (id, packet) => {
      const packets = machines.get(id) ?? [];
      machines.delete(id);
      machines.set(id, packets);
      // A copy: what the socket gave may be part of a larger buffer.
      const kept = { ...packet, bytes: Uint8Array.from(packet.bytes) };
      packets.push(kept);
      totalBytes += cost(kept);
      if (packets.length > packetLimit) totalBytes -= cost(packets.shift() as LoggedPacket);
      for (const [oldest, forgotten] of machines) {
        if (totalBytes <= limitBytes || oldest === id) break;
        for (const one of forgotten) totalBytes -= cost(one);
        machines.delete(oldest);
      }
    },
    of: (id) => machines.get(id) ?? [],
  };
}

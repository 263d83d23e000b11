import { type Link, openLink, type Progress } from "./flows.ts";

/** The cables of a site: each server and each machine has a link, each rack an uplink, all of them in two directions. */
export type Wires = {
  /** From a server to a machine. */
  readonly fromServer: (server: number, machine: Attachment, what: Served) => readonly Link[];
  readonly between: (from: Attachment, to: Attachment) => readonly Link[];
  /** From a mirror to a machine; mirrors stand beside the servers, outside the racks. */
  readonly fromMirror: (mirror: Duplex, machine: Attachment) => readonly Link[];
  /** From a server to a mirror. */
  readonly toMirror: (server: number, mirror: Duplex) => readonly Link[];
  /** The mirrors that were asked, by their names. */
  readonly mirrors: Map<string, Mirror>;
  readonly servers: readonly ServerLinks[];
  readonly racks: readonly Duplex[];
};

/** What a server sends: its program sends the two at different rates. */
export type Served = "boot" | "images";
/** A server's cable, and what its program can send. */
export type ServerLinks = Duplex & { readonly boot: Link; readonly images: Link };

/** An HTTP cache of the servers' contents (`objectMirrors`): its cable, and what it has of the image. */
export type Mirror = { readonly cable: Duplex; readonly has: Progress };

/** A cable as one of its ends sees it. */
export type Duplex = { readonly down: Link; readonly up: Link };
/** A machine's rack, and its own cable. */
export type Attachment = { readonly rack: number; readonly cable: Duplex };

const duplex = (name: string, bytesPerSecond: number, isCounted = true): Duplex => ({
  down: openLink(name, bytesPerSecond, isCounted),
  up: openLink(name, bytesPerSecond, isCounted),
});

/** Lays the cables; rates are bytes per second. */
export function layWires(of: {
  readonly servers: number;
  readonly racks: number;
  readonly serverRate: number;
  readonly bootRate: number;
  readonly imageRate: number;
  readonly rackRate: number;
}): Wires {
  const servers = Array.from({ length: of.servers }, (_, n) => ({
    ...duplex(`link of server ${n + 1}`, of.serverRate),
    boot: openLink(`boot files of server ${n + 1}`, of.bootRate),
    images: openLink(`images of server ${n + 1}`, of.imageRate),
  }));
  const racks = Array.from({ length: of.racks }, (_, n) => duplex(`uplink of rack ${n + 1}`, of.rackRate));
  const rackOf = ({ rack }: Attachment) => racks[rack] as Duplex;
  return {
    mirrors: new Map(),
    servers,
    racks,
    fromServer: (server, machine, what) => {
      const own = servers[server] as ServerLinks;
      return [own[what], own.up, rackOf(machine).down, machine.cable.down];
    },
    fromMirror: (mirror, machine) => [mirror.up, rackOf(machine).down, machine.cable.down],
    toMirror: (server, mirror) => {
      const own = servers[server] as ServerLinks;
      return [own.images, own.up, mirror.down];
    },
    between: (from, to) =>
      from.rack === to.rack
        ? [from.cable.up, to.cable.down]
        : [from.cable.up, rackOf(from).up, rackOf(to).down, to.cable.down],
  };
}

/** A machine's own cable. */
export function layCable(bytesPerSecond: number): Duplex {
  return duplex("link of a machine", bytesPerSecond, false);
}

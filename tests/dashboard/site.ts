import type { NetworkView, PacketView } from "../../src/contract/operator/views.ts";
import type { ImageStream } from "../../src/core/image/stream/image-stream.ts";
import type { MachineId } from "../../src/core/machine/record.ts";
import { ip } from "../../src/core/net/testing/addresses.ts";
import { type PlannedSlot, planSlots } from "../../src/core/site/site-plan.ts";

/** Two networks as the Boot Server would show them: one that serves, one that is full and has another DHCP server. */
export function siteNetworks(): readonly NetworkView[] {
  const nowMs = Date.now();
  const pool = { first: "10.77.0.50", last: "10.77.15.250", size: 4041, held: 2633 };
  const rack: NetworkView = {
    ...{ name: "rack", interface: "rack0", nursery: true, mode: "full", pool, declined: [], received: 81_234 },
    ...{
      answered: 80_111,
      answers: { loader: 4012, script: 3998 },
      unanswered: { unknownClient: 1100 },
      malformed: {},
    },
    receiveBufferBytes: 8_388_608,
  };
  const east: NetworkView = {
    ...rack,
    ...{
      name: "east",
      mode: "proxy",
      pool: { ...pool, size: 200, held: 200, exhaustedSinceMs: nowMs - 60_000, refused: 12 },
    },
    foreignDhcp: { address: "10.78.0.9", mac: "02:00:00:00:aa:01", sinceMs: nowMs - 3_600_000, lastMs: nowMs - 4000 },
    declined: [{ address: "10.78.0.60", mac: "02:00:00:00:00:09", untilMs: nowMs + 600_000 }],
  };
  return [rack, east];
}

/** A few packets of any machine. */
export function sitePackets(): readonly PacketView[] {
  const atMs = Date.now() - 240_000;
  const server = { address: "10.77.0.1", port: 67 };
  const client = { address: "0.0.0.0", port: 68 };
  const bytes = Buffer.from("0101060012345678", "hex").toString("base64");
  const asked: PacketView = {
    ...{ atMs, direction: "in", protocol: "dhcp", source: client, destination: server, kind: "discover", bytes },
    facts: ["class PXEClient:Arch:00007", "user class none"],
  };
  const offered: PacketView = {
    ...{
      atMs: atMs + 20,
      direction: "out",
      protocol: "dhcp",
      source: server,
      destination: client,
      kind: "offer",
      bytes,
    },
    facts: ["yiaddr 10.77.0.50", "file ipxe.efi"],
  };
  return [asked, offered];
}

/** The plan of racks 0 to 101 with 42 units: those of `arrivingFleet(4000)`, two slots above each, and two racks that are silent. */
export function sitePlan(): readonly PlannedSlot[] {
  const first = ip("10.0.1.0");
  return planSlots(
    [{ racks: count(102), units: count(42), switch: "tor-{rack}", port: "swp{unit}" }],
    [
      {
        ...{ switch: "tor-(?<rack>\\d+)", port: "swp(?<unit>\\d+)", hostname: "r{rack}u{unit}" },
        address: { first, step: { rack: 64, unit: 1 } },
      },
    ],
  );
}

const count = (most: number) => Array.from({ length: most }, (_, n) => n);

/** A stream whose next version one machine tries. */
export function siteStream(canary: MachineId, nowMs: number): ImageStream {
  return {
    ...{ stream: "compute", current: 1, by: "olga", atMs: nowMs - 86_400_000 },
    promotion: { version: 2, canary, by: "ann (web)", atMs: nowMs - 120_000 },
  };
}

/** What init and the agent of a machine said in two boots. */
export const siteLog: readonly (readonly [boot: string, lines: readonly string[]])[] = [
  [
    "1f2e3d4c-0000-0000-0000-000000000000",
    ["[   8.1] init: network: eth0 has carrier", "[  12.4] init: burn-in: cpu passed"],
  ],
  [
    "2f2e3d4c-0000-0000-0000-000000000000",
    ["[  21.9] agent: fetching compute/1: 412 MiB of 1.2 GiB", "\u001b[31mred\u001b[0m <b>not markup</b>"],
  ],
];

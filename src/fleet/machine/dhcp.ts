import { bytesFromText } from "../../core/bytes/text.ts";
import { clientMessage } from "../../core/dhcp/client-frame.ts";
import type { DhcpOptions } from "../../core/dhcp/codec/option-table.ts";
import type { DhcpPacket } from "../../core/dhcp/codec/packet.ts";
import { readDhcp } from "../../core/dhcp/codec/read.ts";
import { writeDhcp } from "../../core/dhcp/codec/write.ts";
import { type Script, until } from "../engine/script.ts";
import type { Chassis, World } from "../world.ts";
import { firstOnServer } from "./waits.ts";

const x64Uefi = 7;
const shared = {
  maximumDhcpMessageSize: 1472,
  clientSystemArchitecture: [x64Uefi],
  clientMachineIdentifier: new Uint8Array(17),
  parameterRequestList: [1, 3, 6, 12, 43, 54, 60, 66, 67, 97],
} as const;

/** What EDK2 and iPXE send, as in tests/captures. */
export const clients = {
  firmware: {
    ...shared,
    clientNetworkInterface: Uint8Array.of(1, 3, 0),
    vendorClassIdentifier: "PXEClient:Arch:00007:UNDI:003000",
  },
  loader: {
    ...shared,
    clientNetworkInterface: Uint8Array.of(1, 3, 10),
    vendorClassIdentifier: "PXEClient:Arch:00007:UNDI:003010",
    userClass: bytesFromText("iPXE"),
    // Its features, among them HTTP (0x13) and EFI (0x24): one without them is taken for a ROM that needs our loader.
    etherbootEncapsulated: Uint8Array.of(
      ...[0xb1, 5, 1, 0x1a, 0xf4, 0x10, 0, 0xeb, 3, 1, 0, 0, 0x17, 1, 1, 0x24, 1, 1, 0x13, 1, 1],
      ...[0x11, 1, 1, 0x27, 1, 1, 0x29, 1, 1, 0x15, 1, 1, 0x12, 1, 1],
    ),
  },
} as const satisfies { readonly [client: string]: DhcpOptions };

/** Pauses of PXE firmware between its attempts (PXE 2.1 §2.2.5.1). */
const attemptsMs = [4000, 8000, 16_000, 32_000] as const;

/** Sends a message until an answer of a wanted type comes; undefined if none does. The bytes are those of the real codecs. */
export function* exchange(
  world: World,
  machine: Chassis,
  options: DhcpOptions,
  wanted: readonly DhcpOptions["dhcpMessageType"][],
): Script<DhcpPacket | undefined> {
  const xid = Math.floor(machine.chance.next() * 2 ** 32);
  const bytes = writeDhcp(clientMessage(machine.mac, xid, options));
  for (const attemptMs of attemptsMs) {
    const beganMs = world.agenda.nowMs();
    const reply = yield* until<DhcpPacket | undefined>((done) => {
      const stop = world.agenda.after(attemptMs, () => done(undefined));
      send(world, machine, bytes, (packet) => {
        if (packet.xid !== xid || !wanted.includes(packet.options.dhcpMessageType)) return;
        stop();
        done(packet);
      });
      return stop;
    });
    world.measures.dhcp(reply === undefined ? undefined : world.agenda.nowMs() - beganMs);
    if (reply !== undefined) return reply;
  }
  return undefined;
}

/** Every server hears it, as over relays; each answers in its time. */
function send(world: World, machine: Chassis, bytes: Uint8Array, heard: (packet: DhcpPacket) => void): void {
  const { latency, latencySpread, packetLoss, serverDhcp } = world.parameters;
  const way = () => latency * (1 + world.chance.between(0, latencySpread));
  const arrives = () => !world.cutRacks.has(machine.rack) && !world.chance.happens(packetLoss);
  for (const slot of world.servers) {
    if (!arrives()) continue;
    world.agenda.after(way(), () =>
      firstOnServer(world, slot, serverDhcp, () => {
        slot.port?.dhcp({ bytes, network: machine.network }, (answer) => {
          if (!arrives()) return;
          const kept = Uint8Array.from(answer);
          world.agenda.after(way(), () => {
            const reading = readDhcp(kept);
            if (reading.kind === "packet") heard(reading.packet);
            else world.broken(`a server sent DHCP that its own codec cannot read: ${reading.fault}`, machine);
          });
        });
      }),
    );
  }
}

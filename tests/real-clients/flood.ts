/**
 * A flood of DISCOVERs by PXE clients, run at the client's end of a cable: `flood.ts KIND SECONDS INTERFACE`, with KIND
 * `one` for one MAC address, `many` for a new one each time. Prints the number of sent packets, at least 2,500.
 */
import { openUdpSocket } from "../../src/boot-server/socket/device-socket.ts";

const [kind, seconds, device = ""] = process.argv.slice(2);
const packet = Buffer.alloc(300);
packet.set([1, 1, 6, 0]);
packet.writeUInt16BE(0x8000, 10);
packet.set([2, 0x66, 0, 0, 0, 0], 28);
packet.set([0x63, 0x82, 0x53, 0x63, 53, 1, 1, 93, 2, 0, 0, 60, 32], 236);
packet.write("PXEClient:Arch:00000:UNDI:002001", 249, "latin1");
packet[281] = 255;

// Bound to the device, because there is no address and no route yet.
const socket = await openUdpSocket({ interface: device, port: 68 });
const endMs = performance.now() + Number(seconds) * 1000;
let sent = 0;
while (performance.now() < endMs || sent < 2500) {
  for (let burst = 0; burst < 50; burst += 1) {
    sent += 1;
    packet.writeUInt32BE(sent, 4);
    if (kind === "many") packet.writeUInt32BE(sent, 30);
    socket.send(packet, 67, "255.255.255.255");
  }
  await new Promise((resolve) => setImmediate(resolve));
}
socket.close();
process.stdout.write(`${sent}\n`);

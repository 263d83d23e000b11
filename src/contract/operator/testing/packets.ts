import type { PacketView } from "../views.ts";

const server = { address: "10.77.0.1", port: 67 };
/** A DHCP discover, and the offer 2 ms later. */
export const packets: readonly PacketView[] = [
  {
    ...{ atMs: 1_000, direction: "in", protocol: "dhcp", kind: "discover", facts: ["class PXEClient", "xid 00000007"] },
    ...{ source: { address: "0.0.0.0", port: 68 }, destination: server, bytes: Buffer.from("ask").toString("base64") },
  },
  {
    ...{ atMs: 1_002, direction: "out", protocol: "dhcp", kind: "offer", facts: ["yiaddr 10.77.0.50"] },
    ...{ source: server, destination: { address: "255.255.255.255", port: 68 } },
    bytes: Buffer.from("answer").toString("base64"),
  },
];

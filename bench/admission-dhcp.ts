/**
 * New machines that ask for an address, 50 a second, behind the relay of bench/admission, until they are told to stop: how long the
 * answers take while others fetch their images. A process of its own: what it measures is not its own delay.
 */

import { createSocket } from "node:dgram";
import { clientMessage } from "../src/core/dhcp/client-frame.ts";
import { writeDhcp } from "../src/core/dhcp/codec/write.ts";
import { parseIpv4 } from "../src/core/net/ipv4.ts";
import { clients } from "../src/fleet/machine/dhcp.ts";
import { type Percentiles, percentilesOf } from "../src/fleet/report/measures.ts";
import { testMac } from "../src/mdb/testing/fleet.ts";
import { exchangeKey } from "./arrival-relay.ts";
import { router, serverAt } from "./arrival-site.ts";

/** Milliseconds from a DISCOVER to its OFFER, and the number of those without one. */
export type DhcpSeen = { readonly ms: Percentiles; readonly unanswered: number };

const perSecond = 50;
/** After that, PXE firmware sends its DISCOVER again (PXE 2.1 §2.2.5.1). */
const attemptMs = 4000;
/** Beyond the machines that fetch. */
const firstMachine = 100_000;

const server = serverAt(0).temporary;
const giaddr = parseIpv4(router);
if (giaddr === undefined) throw new Error(`expected an address, found ${router}`);
const waiting = new Map<string, (isAnswered: boolean) => void>();
const took: number[] = [];
let unanswered = 0;
let asked = 0;

const socket = createSocket({ type: "udp4", recvBufferSize: 4 << 20 });
socket.on("message", (bytes) => waiting.get(exchangeKey(bytes))?.(true));
await new Promise<void>((resolve) => socket.bind(67, router, resolve));

function discover(): void {
  asked += 1;
  const options = { ...clients.firmware, dhcpMessageType: "discover" } as const;
  const message = { ...clientMessage(testMac(firstMachine + asked), asked, options), hops: 1, giaddr: giaddr ?? 0 };
  const bytes = writeDhcp(message as Parameters<typeof writeDhcp>[0]);
  const key = exchangeKey(bytes);
  const beganMs = performance.now();
  const timer = setTimeout(() => end(false), attemptMs);
  const end = (isAnswered: boolean) => {
    clearTimeout(timer);
    waiting.delete(key);
    if (isAnswered) took.push(performance.now() - beganMs);
    else unanswered += 1;
  };
  waiting.set(key, end);
  socket.send(bytes, 67, server);
}

const clock = setInterval(discover, 1000 / perSecond);
// The benchmark was stopped.
process.once("disconnect", () => process.exit());
process.once("message", () => {
  clearInterval(clock);
  setTimeout(() => {
    socket.close();
    const seen: DhcpSeen = { ms: percentilesOf(took), unanswered };
    process.send?.(seen, () => process.exit());
  }, attemptMs);
});
process.send?.("ready");

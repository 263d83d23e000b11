/** Our DHCP server as a process of its own: the real one, over an MDB in a file. It logs as little as its peers. */
import { startDhcpServer } from "../src/boot-server/dhcp/server.ts";
import { openPacketLog } from "../src/boot-server/observe/packet-log.ts";
import { ip, prefix as prefixOf } from "../src/core/net/testing/addresses.ts";
import { openLog } from "../src/log/structured-log.ts";
import { systemClock as clock } from "../src/main/system-ports.ts";
import { openStore } from "../src/mdb/open-store.ts";
import { dhcpSite } from "./dhcp-site.ts";

const [path = "", serverInterface = ""] = process.argv.slice(2);
const log = openLog({ json: false, least: "warn" });

const store = await openStore({ path, clock, log });
const { server, prefix, first, last } = dhcpSite;
const dhcp = await startDhcpServer({
  networks: [
    {
      ...{ name: "rack", interface: serverInterface, serverAddress: ip(server), nursery: true, freshRack: false },
      ...{ mode: "full", secureBoot: false, secureBootKey: "debian" },
      prefix: prefixOf(prefix),
      temporaryPool: { first: ip(first), last: ip(last) },
      // No other server is on the cable; searching for one would only delay the first answers.
      allowForeignDhcp: true,
      // The benchmark measures the rate of new machines, so the limit must not apply.
      maxNewMachinesPerMinute: 1_000_000,
    },
  ],
  maxMachines: 10_000_000,
  packets: openPacketLog(),
  ports: { http: 80, machines: 443 },
  ...{ store, clock, log },
});
process.once("SIGTERM", async () => {
  await dhcp[Symbol.asyncDispose]();
  await store[Symbol.asyncDispose]();
  process.exit(0);
});

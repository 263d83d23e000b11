// Listens for LLDP, or searches its settings by DHCP, as init does; prints one JSON object. Arguments: lldp or dhcp, NIC, MAC, seconds.

import { parseMac } from "../../../src/core/net/mac.ts";
import { searchOn } from "../../../src/init/birth/fetch-settings.ts";
import { listenForLldp } from "../../../src/init/device/network/neighbour.ts";
import { readText } from "../../../src/init/system/files.ts";

const [, what = "", nic = "", macText = "", seconds = "1"] = scriptArgs;
const mac = parseMac(macText);
if (mac === undefined) throw new Error(`expected a MAC, found ${macText}`);
let lines = 0;

function attempt(): unknown {
  if (what === "dhcp") {
    try {
      return { place: searchOn({ name: nic, mac: mac as NonNullable<typeof mac> }, Number(seconds) * 1000) };
    } catch (error) {
      return { fault: error instanceof Error ? error.message : String(error) };
    }
  }
  const listener = listenForLldp(nic, mac as NonNullable<typeof mac>, "machine", () => {
    lines += 1;
  });
  return { heard: listener.listen(Number(seconds), ({ switchName }) => switchName === "the-true-switch") };
}

const result = attempt();
const [, peakKiB = ""] = /VmHWM:\s+(\d+)/.exec(readText("/proc/self/status")) ?? [];
print(JSON.stringify({ ...(result as object), lines, peakKiB: Number(peakKiB) }));

import * as std from "std";
import { parseIpv4 } from "../../../src/core/net/ipv4.ts";
import { parseIpv6 } from "../../../src/core/net/ipv6.ts";
import type { Mac } from "../../../src/core/net/mac.ts";
import { hostAt, ipv6HostAt } from "../../../src/init/device/network/address-probe.ts";

/** Asks on a NIC for addresses of both families, and prints who answers: `NIC MAC ADDRESS...`. */
const [nic = "", mac = "", ...addresses] = scriptArgs.slice(1);
const wire = { nic, mac: mac as Mac };
const found = addresses.map((text) => {
  const ipv4 = parseIpv4(text);
  const ipv6 = parseIpv6(text);
  if (ipv4 !== undefined) return hostAt(wire, ipv4) ?? "nobody";
  return ipv6 === undefined ? "no address" : (ipv6HostAt(wire, ipv6) ?? "nobody");
});
std.out.puts(`${JSON.stringify(found)}\n`);

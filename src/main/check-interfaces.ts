import { networkInterfaces } from "node:os";
import type { Config } from "../contract/config.ts";
import { permanentOf } from "../contract/config-check.ts";
import { formatIpv4 } from "../core/net/ipv4.ts";

/** Throws, with the commands that help, when this computer lacks an interface or address that the configuration names. */
export function checkInterfaces(config: Config): void {
  const here = networkInterfaces();
  const faults = config.networks.flatMap((network) => {
    const permanent = permanentOf(network);
    const ours = (here[network.interface] ?? []).map(({ address }) => address);
    const wanted = [
      { address: formatIpv4(network.serverAddress), length: network.prefix.length },
      { address: formatIpv4(permanent.serverAddress), length: permanent.prefix.length },
    ];
    const lacking = wanted.filter(({ address }, index) => {
      return !ours.includes(address) && wanted.findIndex((other) => other.address === address) === index;
    });
    return lacking.map(({ address, length }) => {
      const what = `network ${network.name}: interface ${network.interface} is not there, is down, or has not the address ${address}`;
      return `${what}; ip addr add ${address}/${length} dev ${network.interface} && ip link set ${network.interface} up`;
    });
  });
  if (faults.length > 0) throw new Error(faults.join("\n"));
}

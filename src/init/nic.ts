import * as host from "host";
import type { BootSettings } from "../core/install/boot-settings.ts";
import { scanHardware } from "../core/install/scan.ts";
import { formatIpv4 } from "../core/net/ipv4.ts";
import type { Mac } from "../core/net/mac.ts";
import { sleepMs } from "./system/clock.ts";
import { systemTree } from "./tree.ts";

/** Firmware of some NICs takes seconds to load. */
const appearMs = 30_000;
/** Autonegotiation takes up to 5 s, a switch port without portfast up to 50 s (netboot.md Q19). */
const linkMs = 60_000;
const lookEveryMs = 100;

/** Finds the NIC that booted, waits for its link and gives it the address that DHCP had given. Returns its name. */
export function bringNetworkUp(settings: BootSettings): string {
  const name = waitFor(appearMs, `no NIC has the MAC ${settings.mac}`, () => nicName(settings.mac));
  host.interfaceUp("lo");
  host.interfaceUp(name);
  waitFor(linkMs, `${name} has no link`, () =>
    systemTree.text(`/sys/class/net/${name}/carrier`).trim() === "1" ? true : undefined,
  );
  host.interfaceAddress(name, formatIpv4(settings.address), settings.prefixLength);
  if (settings.gateway !== undefined) host.defaultRoute(formatIpv4(settings.gateway));
  return name;
}

function nicName(mac: Mac): string | undefined {
  return scanHardware(systemTree).nics.find((nic) => nic.mac === mac)?.name;
}

function waitFor<Value>(mostMs: number, fault: string, look: () => Value | undefined): Value {
  const endMs = host.monotonicMs() + mostMs;
  for (;;) {
    const found = look();
    if (found !== undefined) return found;
    if (host.monotonicMs() > endMs) throw new Error(`${fault} after ${mostMs / 1000} s`);
    sleepMs(lookEveryMs);
  }
}

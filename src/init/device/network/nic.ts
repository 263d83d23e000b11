import * as host from "host";
import type { BootSettings } from "../../../core/birth/boot-settings.ts";
import type { Nic } from "../../../core/hardware/hardware.ts";
import { hiddenHardware } from "../../../core/hardware/missing-driver.ts";
import { scanHardware, scanNics } from "../../../core/hardware/scan.ts";
import { lldpFlagFor } from "../../../core/lldp/firmware-agent.ts";
import { formatIpv4 } from "../../../core/net/ipv4.ts";
import type { Mac } from "../../../core/net/mac.ts";
import type { Log } from "../../../core/ports.ts";
import { messageOf } from "../../birth/stop.ts";
import { sleepMs } from "../../system/clock.ts";
import { withMissingFirmware } from "../kernel/missing-firmware.ts";
import { systemTree } from "../tree.ts";
import { checkUnused } from "./address-probe.ts";

/** Firmware of some NICs takes seconds to load. */
const appearMs = 30_000;
/** Autonegotiation takes up to 5 s, a switch port without portfast up to 50 s (netboot.md Q19). */
const linkMs = 60_000;
const lookEveryMs = 100;

/**
 * Finds the NIC that booted, waits for its link and gives it the address from DHCP. Returns its name. Throws if another
 * host uses the address, after it was declined: the next DHCP request then gets another one.
 */
export function bringNetworkUp(settings: BootSettings, log: Log): string {
  const nic = waitForNic(settings.mac);
  const { name } = nic;
  setNicUp(nic, log);
  checkUnused(nic, { address: settings.address, leasedBy: settings.http.address });
  host.interfaceAddress(name, formatIpv4(settings.address), settings.prefixLength);
  if (settings.gateway !== undefined) host.defaultRoute(formatIpv4(settings.gateway));
  return name;
}

/** Waits for the NIC with this address to appear. */
export function waitForNic(mac: Mac): Nic {
  return waitFor(
    appearMs,
    () => missingNic(mac),
    () => nicOf(mac),
  );
}

/** Enables a NIC and waits for its link. */
export function setNicUp({ name, driver }: Nic, log: Log): void {
  host.interfaceUp("lo");
  freeLldp(name, driver, log); // before the wait for the link, which some cards drop for a moment
  host.interfaceUp(name);
  raiseOthers(name, log);
  waitFor(
    linkMs,
    () => `expected a link on ${name}, found none`,
    () => (systemTree.text(`/sys/class/net/${name}/carrier`).trim() === "1" ? true : undefined),
  );
}

function nicOf(mac: Mac): Nic | undefined {
  return scanNics(systemTree).find((nic) => nic.mac === mac);
}

/** Makes a NIC's firmware pass the switch's LLDP frames to us. A failure shows later, if no frame arrives. */
function freeLldp(name: string, driver: string, log: Log): void {
  const wanted = lldpFlagFor(driver);
  if (wanted === undefined) return;
  try {
    const set = host.setPrivateFlag(name, wanted.flag, wanted.on);
    log(set ? "info" : "warn", "LLDP agent of the NIC's firmware", { name, flag: wanted.flag, on: wanted.on, set });
  } catch (error) {
    log("warn", "stopping the LLDP agent of the NIC's firmware failed", { name, fault: messageOf(error) });
  }
}

function missingNic(mac: Mac): string {
  const hidden = hiddenHardware(withMissingFirmware(scanHardware(systemTree)), "NIC");
  return [`expected a NIC with the MAC ${mac}, found none`, ...hidden].join("; ");
}

/** The kernel tells carrier and speed of an interface only while it is up; the inventory reads them later. */
function raiseOthers(booted: string, log: Log): void {
  for (const { name } of scanNics(systemTree).filter((nic) => nic.name !== booted)) {
    try {
      host.interfaceUp(name);
    } catch (error) {
      log("warn", "a NIC cannot be brought up, so its link is unknown", { name, fault: messageOf(error) });
    }
  }
}

function waitFor<Value>(mostMs: number, fault: () => string, read: () => Value | undefined): Value {
  const endMs = host.monotonicMs() + mostMs;
  for (;;) {
    const found = read();
    if (found !== undefined) return found;
    if (host.monotonicMs() > endMs) throw new Error(`${fault()} after ${mostMs / 1000} s`);
    sleepMs(lookEveryMs);
  }
}

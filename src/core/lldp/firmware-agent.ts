/** A private flag of a driver (`ethtool --show-priv-flags`), and how it must stand. */
export type PrivateFlag = { readonly flag: string; readonly on: boolean };

/**
 * NICs whose firmware answers LLDP itself and keeps the switch's frames from the host: Intel 700 and 800 series (Linux
 * Documentation/networking/device_drivers/ethernet/intel, i40e.rst and ice.rst, "LLDP"). By driver.
 */
const agents: ReadonlyMap<string, PrivateFlag> = new Map([
  ["i40e", { flag: "disable-fw-lldp", on: true }],
  ["ice", { flag: "fw-lldp-agent", on: false }],
]);

/** What to set before frames of the switch can be heard; undefined where the firmware leaves LLDP alone. */
export function lldpFlagFor(driver: string): PrivateFlag | undefined {
  return agents.get(driver);
}

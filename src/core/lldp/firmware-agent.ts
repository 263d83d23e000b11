/** A private flag of a driver (`ethtool --show-priv-flags`), and its required value. */
export type PrivateFlag = { readonly flag: string; readonly on: boolean };

/**
 * NICs whose firmware handles LLDP itself and hides the switch's frames from the host, by driver: Intel 700 and 800 series (Linux
 * Documentation/networking/device_drivers/ethernet/intel, i40e.rst and ice.rst, "LLDP").
 */
const agents: ReadonlyMap<string, PrivateFlag> = new Map([
  ["i40e", { flag: "disable-fw-lldp", on: true }],
  ["ice", { flag: "fw-lldp-agent", on: false }],
]);

/** The flag to set so that frames of the switch arrive; undefined if the firmware does not handle LLDP. */
export function lldpFlagFor(driver: string): PrivateFlag | undefined {
  return agents.get(driver);
}

import type { FirmwareFamilyName } from "../../core/bootstrap-image/firmware-families.ts";
import type { DebianRelease } from "./releases.ts";

/** The package of non-free-firmware that has the files of a family, by release. */
export const firmwarePackages: Readonly<Record<FirmwareFamilyName, Readonly<Record<DebianRelease, string>>>> = {
  bnx2: both("firmware-bnx2"),
  bnx2x: both("firmware-bnx2x"),
  cxgb4: both("firmware-misc-nonfree"),
  ice: { bookworm: "firmware-misc-nonfree", trixie: "firmware-intel-misc" },
  liquidio: both("firmware-cavium"),
  myri10ge: both("firmware-myricom"),
  netxen: both("firmware-netxen"),
  nfp: both("firmware-netronome"),
  qede: both("firmware-qlogic"),
  r8169: both("firmware-realtek"),
  tg3: both("firmware-misc-nonfree"),
};

function both(name: string): Readonly<Record<DebianRelease, string>> {
  return { bookworm: name, trixie: name };
}

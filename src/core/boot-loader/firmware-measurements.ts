import { encodeUtf8 } from "../bytes/utf8.ts";
import { extended, type Sha256, zeroPcr } from "../tpm/pcr.ts";

/** What EDK2 measures into PCR 4 around boot entries (Tcg2Dxe; TCG PC Client Platform Firmware Profile, 3.3.4.5). */
const calling = encodeUtf8("Calling EFI Application from Boot Option");
const returning = encodeUtf8("Returning from EFI Application from Boot Option");
const separator = new Uint8Array(4);

/** Entries that fail before the disk's: a network that sends the machine to its disk fails one for each protocol and NIC. */
const mostFailed = 7;

/**
 * The values of PCR 4 after a boot in which the firmware tried none to seven entries that loaded nothing, and then started a boot
 * loader with this Authenticode hash, and nothing else ran.
 */
export function firmwareBoots(loader: Uint8Array, sha256: Sha256): readonly Uint8Array[] {
  const [call, again, apart] = [calling, returning, separator].map(sha256) as [Uint8Array, Uint8Array, Uint8Array];
  return Array.from({ length: mostFailed + 1 }, (_, failed) => {
    const events = [call, apart, ...Array.from({ length: failed }, () => [again, call]).flat(), loader];
    return extended(zeroPcr, events, sha256);
  });
}

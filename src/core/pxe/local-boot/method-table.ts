/**
 * The ways to send a client on to its next boot entry, and what each means on the wire. Silence is none of them: it would
 * cost EDK2 a minute (netboot.md §2.1, measured on OVMF: 59.7 s against 3.7 s). Neither is an EFI program that ends
 * well: BdsDxe would then open its set-up menu and stay there.
 */
export const localMethods = {
  /** EDK2 ends the session with an error and tries its next entry; seen on Dell too. */
  offerThenNak: "OFFER with a boot file, then NAK instead of ACK",
  /** The way of PXE 2.1 §2.4, for BIOS ROMs above all: they would answer a NAK by asking again. */
  localBootMenu: "PXE boot menu whose only item is type 0, local boot, taken after 0 s",
  /** Costs a request more than the others. */
  bootFileRefused: "a boot file that TFTP (ERROR 1) or HTTP (404) then refuses",
  /** For firmware that leaves none of its own stages well: our iPXE does it, by its script. */
  ownLoader: "our iPXE, whose script then leaves for the disk",
  /** An error makes UEFI try its next entry, and lets BIOS go on by INT 18h. */
  scriptExit: "iPXE script: exit 1",
  /** Starts the first disk without going back to the firmware. */
  scriptSanboot: "iPXE script: sanboot of the first disk",
} as const;
export type LocalMethod = keyof typeof localMethods;
/** All of them. */
export const localMethodNames = Object.keys(localMethods) as readonly LocalMethod[];

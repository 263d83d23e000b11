/**
 * The methods to send a client to its next boot entry, and what each means on the wire. Silence is not a method: it would
 * cost EDK2 a minute (netboot.md §2.1, measured on OVMF: 59.7 s against 3.7 s). Neither is an EFI program that exits
 * successfully: BdsDxe would then open its set-up menu and stay there.
 */
export const localMethods = {
  /** EDK2 ends the session with an error and tries its next entry; also observed on Dell. */
  offerThenNak: "OFFER with a boot file, then NAK instead of ACK",
  /** The method of PXE 2.1 §2.4, mainly for BIOS ROMs, which would repeat their request after a NAK. */
  localBootMenu: "PXE boot menu whose only item is type 0, local boot, selected after 0 s",
  /** Costs one request more than the others. */
  bootFileRefused: "a boot file that TFTP (ERROR 1) or HTTP (404) then refuses",
  /** For firmware that handles none of the other methods: iPXE exits by its script. */
  ownLoader: "iPXE, whose script then exits to the disk",
  /** An error makes UEFI try its next entry, and lets BIOS continue by INT 18h. */
  scriptExit: "iPXE script: exit 1",
  /** Starts the root disk, by its BIOS drive number, or the first disk without returning to the firmware. */
  scriptSanboot: "iPXE script: sanboot of the root disk, or of the first one",
} as const;
export type LocalMethod = keyof typeof localMethods;
/** The names of all methods. */
export const localMethodNames = Object.keys(localMethods) as readonly LocalMethod[];

import type { LocalMethod } from "../pxe/local-boot/method-table.ts";

/** The stage of a network boot that asks: the firmware's PXE, our loader (iPXE), UEFI HTTP boot. */
export type PxeStage = "firmware" | "loader" | "httpBoot";

/** What a PXE request was answered with, as it stands on the record; with the method where it leads to the disk. */
export type PxeAnswer = "none" | "loader" | "script" | "lease" | "local" | `local: ${LocalMethod}`;

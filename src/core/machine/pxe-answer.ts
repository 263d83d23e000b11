import type { LocalMethod } from "../pxe/local-boot/method-table.ts";

/** The stage of a network boot that asks: the firmware's PXE, our loader (iPXE), UEFI HTTP boot. */
export type PxeStage = "firmware" | "loader" | "httpBoot";

/** The answer to a PXE request as it is recorded; with the method if it leads to the disk. */
export type PxeAnswer = "none" | "loader" | "script" | "lease" | "local" | `local: ${LocalMethod}`;

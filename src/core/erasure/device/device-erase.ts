import type { DeviceCommands } from "../../hardware/device-commands.ts";
import type { ErasureMethod } from "../erasure.ts";
import { ataOffer, ataStatus, beginAta, eraseMinutes, saysAtaErased } from "./ata-erase.ts";
import { declined, type EraseOffer, type EraseStatus, type EraseWay } from "./erase-way.ts";
import { beginNvme, nvmeOffer, nvmeStatus, sanitizeSuccess } from "./nvme-erase.ts";
import { beginScsi, scsiOffer, scsiStatus } from "./scsi-erase.ts";

/** By which commands a disk is asked. */
export type DeviceKind =
  /** Its namespace, and those of the same controller that are to be erased. */
  | { readonly kind: "nvme"; readonly namespace: number; readonly taken: readonly number[] }
  | { readonly kind: "ata" }
  | { readonly kind: "scsi" }
  | { readonly kind: "other" };

/** Whether and how a device erases itself; one whose driver takes no commands does not. Destroys nothing. */
export function offerOf(device: DeviceKind, commands: DeviceCommands): EraseOffer {
  try {
    switch (device.kind) {
      case "nvme":
        return nvmeOffer(commands, device.namespace, device.taken);
      case "ata":
        return ataOffer(commands);
      case "scsi":
        return scsiOffer(commands);
      case "other":
        return declined("it is no NVMe, ATA or SCSI disk");
    }
  } catch (error) {
    return declined(`it does not answer: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** What a device says of its erasing. Throws if it does not answer. */
export function statusOf({ kind }: Pick<DeviceKind, "kind">, commands: DeviceCommands): EraseStatus {
  switch (kind) {
    case "nvme":
      return nvmeStatus(commands);
    case "ata":
      return ataStatus(commands);
    case "scsi":
      return scsiStatus(commands);
    case "other":
      return { kind: "idle" };
  }
}

/** Begins to erase; a way that is one command erases to the end. Throws with what the device says if it does not. */
export function beginErase(commands: DeviceCommands, way: EraseWay): void {
  switch (way.kind) {
    case "nvmeSanitize":
    case "nvmeFormat":
      beginNvme(commands, way);
      break;
    case "ataSanitize":
    case "ataSecurityErase":
      beginAta(commands, way);
      break;
    case "scsiSanitize":
      beginScsi(commands, way);
  }
}

/** Whether the command ends before the erasing does, which then goes on by itself, also through a power cut. */
export function goesOnByItself({ kind }: Pick<EraseWay, "kind">): boolean {
  return kind === "nvmeSanitize" || kind === "ataSanitize" || kind === "scsiSanitize";
}

/** How the end of the erasing was seen; undefined if the device does not say that it was a success. */
export function successOf(way: EraseWay, commands: DeviceCommands): string | undefined {
  switch (way.kind) {
    case "nvmeSanitize":
      return sanitizeSuccess(commands);
    case "nvmeFormat":
      return "the command completed without an error";
    case "ataSanitize":
      return saysAtaErased(commands) ? "SANITIZE STATUS says completed without error" : undefined;
    case "ataSecurityErase":
      return "the command completed without an error";
    case "scsiSanitize":
      return "REQUEST SENSE says neither in progress nor failed";
  }
}

/** Seconds that the command itself may take. */
export function commandSeconds(way: EraseWay): number {
  if (way.kind === "ataSecurityErase") return eraseMinutes(way) * 60;
  return way.kind === "nvmeFormat" ? 6 * 3600 : 60;
}

/** The method on the record. */
export function methodOf({ kind }: Pick<EraseWay, "kind">): ErasureMethod {
  return kind;
}

import * as host from "host";
import {
  type BootPartition,
  bootEntryName,
  planBootEntry,
  readBootOrder,
  readLoadOption,
  writeBootOrder,
  writeLoadOption,
} from "../../core/boot-loader/efi-boot.ts";
import {
  bootOptionNumber,
  bootOptionVariable,
  efivarsDirectory,
  globalVariable,
  isDiskKeyVariable,
  lastingVariable,
  probeVariable,
  variableValue,
} from "../../core/boot-loader/efi-variable.ts";
import type { KeyLocation } from "../../core/install/storage-policy.ts";
import type { Firmware } from "../../core/machine/record.ts";
import { messageOf } from "../birth/stop.ts";
import { exists, list, readBytes, removeTree, writeBytes } from "../system/files.ts";
import type { Drivers } from "./drivers.ts";
import { mountEfiVariables } from "./mounts.ts";

function pathOf(variable: string): string {
  return `${efivarsDirectory}/${variable}`;
}

function readVariable(variable: string): Uint8Array | undefined {
  return exists(pathOf(variable)) ? variableValue(readBytes(pathOf(variable))) : undefined;
}

/** Linux makes files immutable if deleting them could brick a board. */
function unprotect(variable: string): void {
  if (exists(pathOf(variable))) host.setImmutable(pathOf(variable), false);
}

function store(variable: string, value: Uint8Array): void {
  unprotect(variable);
  writeBytes(pathOf(variable), lastingVariable(value));
}

function discard(variable: string): void {
  unprotect(variable);
  removeTree(pathOf(variable));
}

/** Mounts the firmware's variables if they are not mounted yet. Throws if that fails. */
export function openEfiVariables(drivers: Drivers): void {
  if (exists(efivarsDirectory) && list(efivarsDirectory).length > 0) return;
  drivers.load(["efivarfs"]);
  mountEfiVariables(efivarsDirectory);
}

/**
 * Whether this machine can keep a key in its firmware. Tested by storing a variable, because some firmware only claims
 * to.
 */
export function findKeyLocation(firmware: Firmware, drivers: Drivers): KeyLocation {
  if (firmware === "bios")
    return { kind: "none", reason: "BIOS firmware has no variables, and keys in a TPM are not supported yet" };
  try {
    openEfiVariables(drivers);
    store(probeVariable, Uint8Array.of(1));
    discard(probeVariable);
    return { kind: "uefi-variable" };
  } catch (error) {
    return { kind: "none", reason: `UEFI variables are unusable: ${messageOf(error)}` };
  }
}

/** Deletes all of Birther's disk keys; returns their number. */
export function discardDiskKeys(): number {
  if (!exists(efivarsDirectory)) return 0;
  const keys = list(efivarsDirectory).filter(isDiskKeyVariable);
  for (const key of keys) discard(key);
  return keys.length;
}

/** Makes a new random key, stores it, and reads it back before anything depends on it. */
export function makeDiskKey(variable: string, byteCount: number): void {
  const key = new Uint8Array(host.randomBytes(byteCount));
  store(variable, key);
  const stored = readVariable(variable);
  if (stored === undefined || stored.length !== key.length || stored.some((byte, index) => byte !== key[index])) {
    throw new Error(`storing the disk key: expected the variable ${variable} in the firmware, found another value`);
  }
}

/** The file and offset from which cryptsetup reads the key: in the variable's file, after four bytes of attributes. */
export function diskKeyFile(variable: string): string {
  return pathOf(variable);
}

/** Adds our entry to the firmware's boot order; returns the order as text. */
export function addBootEntry(partition: BootPartition, file: string): string {
  const options = list(efivarsDirectory).flatMap((name) => {
    const number = bootOptionNumber(name);
    const option = number === undefined ? undefined : readLoadOption(number, readVariable(name) ?? new Uint8Array());
    return option === undefined ? [] : [option];
  });
  const order = readBootOrder(readVariable(globalVariable("BootOrder")) ?? new Uint8Array());
  const [current] = readBootOrder(readVariable(globalVariable("BootCurrent")) ?? new Uint8Array());
  const plan = planBootEntry(order, options, current);
  for (const number of plan.remove) discard(bootOptionVariable(number));
  store(bootOptionVariable(plan.number), writeLoadOption(bootEntryName, partition, file));
  store(globalVariable("BootOrder"), writeBootOrder(plan.order));
  const names = plan.order.map((number) =>
    number === plan.number
      ? bootEntryName
      : (options.find((option) => option.number === number)?.name ?? `Boot ${number}`),
  );
  return names.join(", ");
}

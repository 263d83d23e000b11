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

/** Linux makes the files immutable that a careless rm would brick a board with. */
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

/** Makes the firmware's variables readable where they are not yet. Throws where it cannot be done. */
export function openEfiVariables(drivers: Drivers): void {
  if (exists(efivarsDirectory) && list(efivarsDirectory).length > 0) return;
  drivers.load(["efivarfs"]);
  mountEfiVariables(efivarsDirectory);
}

/** Whether this machine can keep a key in its firmware: tried by storing a variable, since some firmware only says so. */
export function findKeyLocation(firmware: Firmware, drivers: Drivers): KeyLocation {
  if (firmware === "bios")
    return { kind: "none", reason: "BIOS firmware has no variables, and keys in a TPM are not supported yet" };
  try {
    openEfiVariables(drivers);
    store(probeVariable, Uint8Array.of(1));
    discard(probeVariable);
    return { kind: "uefi-variable" };
  } catch (error) {
    return { kind: "none", reason: `UEFI variables cannot be used: ${messageOf(error)}` };
  }
}

/** Deletes every disk key of ours; says how many there were. */
export function discardDiskKeys(): number {
  if (!exists(efivarsDirectory)) return 0;
  const keys = list(efivarsDirectory).filter(isDiskKeyVariable);
  for (const key of keys) discard(key);
  return keys.length;
}

/** Makes a fresh random key, stores it, and reads it back before anything depends on it. */
export function makeDiskKey(variable: string, byteCount: number): void {
  const key = new Uint8Array(host.randomBytes(byteCount));
  store(variable, key);
  const stored = readVariable(variable);
  if (stored === undefined || stored.length !== key.length || stored.some((byte, index) => byte !== key[index])) {
    throw new Error(`the firmware did not keep the variable ${variable}`);
  }
}

/** Where cryptsetup reads the key: in the variable's file, behind its four bytes of attributes. */
export function diskKeyFile(variable: string): string {
  return pathOf(variable);
}

/** Puts our entry into the firmware's boot order; returns the order in words. */
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

import * as host from "host";
import {
  type BootPartition,
  planBootEntry,
  readBootOrder,
  readLoadOption,
  writeBootOrder,
  writeLoadOption,
} from "../../../core/boot-loader/efi-boot.ts";
import {
  bootOptionNumber,
  bootOptionVariable,
  efivarsDirectory,
  globalVariable,
  isCrashDump,
  isDiskKeyVariable,
  lastingVariable,
  probeBytes,
  probeVariable,
  variableValue,
} from "../../../core/boot-loader/efi-variable.ts";
import { sameBytes } from "../../../core/bytes/text.ts";
import type { KeyOffer } from "../../../core/install/storage-policy.ts";
import type { Firmware } from "../../../core/machine/record.ts";
import type { BootOrder } from "../../../core/machine/storage.ts";
import type { Mac } from "../../../core/net/mac.ts";
import { messageOf } from "../../birth/stop.ts";
import { errnoIn, isAbsent } from "../../system/errno.ts";
import { exists, list, readBytes, removeTree, writeBytes } from "../../system/files.ts";
import type { Drivers } from "../kernel/drivers.ts";
import { mountEfiVariables } from "../mounts.ts";

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
  if (hasVariables()) return;
  drivers.load(["efivarfs"]);
  mountEfiVariables(efivarsDirectory);
}

/** Whether this machine can keep a key in its firmware. Tested by storing a variable, because some firmware only claims to. */
export function variablesOffer(firmware: Firmware, drivers: Drivers): KeyOffer {
  if (firmware === "bios") return { kind: "keepsNone", reason: "BIOS firmware has no variables" };
  try {
    openEfiVariables(drivers);
    probe();
    return { kind: "keeps" };
  } catch (error) {
    return { kind: "keepsNone", reason: `UEFI variables are unusable: ${messageOf(error)}` };
  }
}

/**
 * Stores a variable as large as a key and our boot entry together, and reads it back: a store that is nearly full is found
 * before the old keys are discarded. Some firmware frees space only at its next start, so a full store is tried once more
 * without the kernel's old crash dumps.
 */
function probe(): void {
  try {
    storeProbe();
  } catch (error) {
    const dumps = list(efivarsDirectory).filter(isCrashDump);
    if (dumps.length === 0) throw error;
    for (const dump of dumps) discard(dump);
    storeProbe();
  }
}

function storeProbe(): void {
  const value = new Uint8Array(probeBytes).fill(1);
  try {
    store(probeVariable, value);
    if (readVariable(probeVariable)?.length !== value.length)
      throw new Error(`expected room for ${probeBytes} bytes in the firmware's variables, found less`);
  } finally {
    discard(probeVariable);
  }
}

/** What became of the old disk keys, plain and sealed, in the firmware's variables. */
export type DiscardedKeys =
  /** All of them, none perhaps, are gone: the firmware no longer lists them when its variables are read anew. */
  | { readonly kind: "gone"; readonly count: number }
  /** The firmware's variables cannot be read: an earlier birth may have left a key there. */
  | { readonly kind: "unreadable"; readonly reason: string };

/**
 * Deletes all of Birther's disk keys, and reads the firmware's variables anew to see that they are gone. Throws if one is
 * still there: firmware may refuse to delete it, or say that it did and keep it.
 */
export function discardDiskKeys(drivers: Drivers): DiscardedKeys {
  const missing = hasVariables() ? undefined : refusalToOpen(drivers);
  if (missing !== undefined) return { kind: "unreadable", reason: missing };
  const keys = list(efivarsDirectory).filter(isDiskKeyVariable);
  const refused = keys.flatMap(refusalToDelete);
  if (refused.length > 0) throw new Error(`deleting old disk keys: ${refused.join("; ")}`);
  if (keys.length === 0) return { kind: "gone", count: 0 };
  // The kernel forgets a variable that it has deleted. Only a new mount asks the firmware for its list again.
  host.unmount(efivarsDirectory, 0);
  mountEfiVariables(efivarsDirectory);
  if (!hasVariables())
    throw new Error("deleting old disk keys: expected to read the firmware's variables anew, found none");
  const left = list(efivarsDirectory).filter((name) => isDiskKeyVariable(name) && isStored(name));
  if (left.length > 0)
    throw new Error(
      `deleting old disk keys: expected none after the deletion, found that the firmware keeps ${left.join(", ")}`,
    );
  return { kind: "gone", count: keys.length };
}

function hasVariables(): boolean {
  return exists(efivarsDirectory) && list(efivarsDirectory).length > 0;
}

/** Opens the firmware's variables; the reason if there are none. */
function refusalToOpen(drivers: Drivers): string | undefined {
  try {
    openEfiVariables(drivers);
  } catch (error) {
    return messageOf(error);
  }
  return hasVariables() ? undefined : `expected UEFI variables in ${efivarsDirectory}, found none`;
}

/** Deletes a variable; the reason if that failed, or if its file is still there. */
function refusalToDelete(variable: string): readonly string[] {
  try {
    discard(variable);
    return exists(pathOf(variable)) ? [`expected no ${variable} after its deletion, found it`] : [];
  } catch (error) {
    return [messageOf(error)];
  }
}

/** Whether the firmware has a value for a variable that it lists: some list a deleted one until the next start. */
function isStored(variable: string): boolean {
  try {
    return (readVariable(variable)?.length ?? 0) > 0;
  } catch (error) {
    if (isAbsent(errnoIn(error) ?? 0)) return false;
    throw error;
  }
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

/** The value of one of our variables; undefined if there is none. */
export function readKeyVariable(variable: string): Uint8Array | undefined {
  return readVariable(variable);
}

/** Stores one of our variables, and reads it back; throws if the firmware holds another value then. */
export function storeKeyVariable(variable: string, value: Uint8Array): void {
  store(variable, value);
  const stored = readVariable(variable);
  if (stored === undefined || !sameBytes(stored, value))
    throw new Error(`storing ${variable}: expected its value in the firmware, found another one`);
}

/** Deletes one of our variables; throws if it is still there then. */
export function discardKeyVariable(variable: string): void {
  discard(variable);
  if (exists(pathOf(variable))) throw new Error(`deleting ${variable}: expected no such variable, found it`);
}

/** The file and offset from which cryptsetup reads the key: in the variable's file, after four bytes of attributes. */
export function diskKeyFile(variable: string): string {
  return pathOf(variable);
}

/** The MAC address of the NIC that the firmware booted from, if it says so. */
export function bootedFrom(): Mac | undefined {
  const current = bootCurrent();
  if (current === undefined) return undefined;
  return readLoadOption(current, contentOf(bootOptionVariable(current)))?.mac;
}

/** The number of the entry that the firmware booted, if it says so. */
function bootCurrent(): number | undefined {
  return readBootOrder(contentOf(globalVariable("BootCurrent")))[0];
}

/** The value of a variable; empty if there is none. */
function contentOf(variable: string): Uint8Array {
  return readVariable(variable) ?? new Uint8Array();
}

/**
 * Adds our entry to the firmware's boot order. A store that refuses it is a fault in the result and no failure: the loader
 * also lies at the fallback path.
 */
export function addBootEntry(partition: BootPartition, file: string, name: string): BootOrder {
  const options = list(efivarsDirectory).flatMap((name) => {
    const number = bootOptionNumber(name);
    const option = number === undefined ? undefined : readLoadOption(number, contentOf(name));
    return option === undefined ? [] : [option];
  });
  const order = readBootOrder(contentOf(globalVariable("BootOrder")));
  const plan = planBootEntry({ order, options, current: bootCurrent(), name });
  const nameOf = (number: number) =>
    number === plan.number ? name : (options.find((one) => one.number === number)?.name ?? `Boot ${number}`);
  try {
    for (const number of plan.remove) discard(bootOptionVariable(number));
    store(bootOptionVariable(plan.number), writeLoadOption(name, partition, file));
    store(globalVariable("BootOrder"), writeBootOrder(plan.order));
    return { entries: plan.order.map(nameOf), firstBy: plan.firstBy };
  } catch (error) {
    return { entries: order.map(nameOf), firstBy: plan.firstBy, fault: messageOf(error) };
  }
}

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
  isCrashDump,
  isDiskKeyVariable,
  lastingVariable,
  probeBytes,
  probeVariable,
  variableValue,
} from "../../core/boot-loader/efi-variable.ts";
import { sameBytes } from "../../core/bytes/text.ts";
import type { KeyLocation } from "../../core/install/storage-policy.ts";
import type { BootOrder, Firmware } from "../../core/machine/record.ts";
import type { Mac } from "../../core/net/mac.ts";
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
    probe();
    return { kind: "uefi-variable" };
  } catch (error) {
    return { kind: "none", reason: `UEFI variables are unusable: ${messageOf(error)}` };
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
export function addBootEntry(partition: BootPartition, file: string): BootOrder {
  const options = list(efivarsDirectory).flatMap((name) => {
    const number = bootOptionNumber(name);
    const option = number === undefined ? undefined : readLoadOption(number, contentOf(name));
    return option === undefined ? [] : [option];
  });
  const order = readBootOrder(contentOf(globalVariable("BootOrder")));
  const plan = planBootEntry(order, options, bootCurrent());
  const nameOf = (number: number) =>
    number === plan.number ? bootEntryName : (options.find((one) => one.number === number)?.name ?? `Boot ${number}`);
  try {
    for (const number of plan.remove) discard(bootOptionVariable(number));
    store(bootOptionVariable(plan.number), writeLoadOption(bootEntryName, partition, file));
    store(globalVariable("BootOrder"), writeBootOrder(plan.order));
    return { entries: plan.order.map(nameOf), firstBy: plan.firstBy };
  } catch (error) {
    return { entries: order.map(nameOf), firstBy: plan.firstBy, fault: messageOf(error) };
  }
}

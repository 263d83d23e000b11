/**
 * ATA SANITIZE DEVICE and SECURITY ERASE UNIT, in SCSI's ATA PASS-THROUGH (16) (ACS-4 §7.36 and §7.37 ff., IDENTIFY DEVICE data words 59, 82,
 * 89, 90 and 128; SAT-4 §12.2).
 */
import { bytesFromText } from "../../bytes/text.ts";
import { type AtaResult, readAtaResult } from "../../hardware/ata/ata-result.ts";
import { ataPassThrough } from "../../hardware/ata/pass-through.ts";
import type { DeviceCommands } from "../../hardware/device-commands.ts";
import { commandMs, declined, type EraseOffer, type EraseStatus, type EraseWay, percentOf65536 } from "./erase-way.ts";

type AtaWay = Extract<EraseWay, { kind: "ataSanitize" | "ataSecurityErase" }>;

const command = {
  sanitize: 0xb4,
  identify: 0xec,
  setPassword: 0xf1,
  unlock: 0xf2,
  erasePrepare: 0xf3,
  eraseUnit: 0xf4,
} as const;
/** Features of SANITIZE DEVICE, each with the word that the LBA must say: "Cryp", "BkEr". */
const sanitizes = {
  status: { features: 0x0000, lba: 0 },
  crypto: { features: 0x0011, lba: 0x43727970 },
  block: { features: 0x0012, lba: 0x426b4572 },
} as const;
const sectorBytes = 512;
/** The user password while SECURITY ERASE UNIT runs. A power cut leaves the disk locked with it, and the next clean knows it. */
const password = "Birther";
/** For a disk that cannot say how long it takes. */
const longestEraseMinutes = 48 * 60;

/** How this disk is erased. One that an earlier attempt has left locked is unlocked, so that it can be read. */
export function ataOffer(commands: DeviceCommands): EraseOffer {
  const word = identifyWords(commands);
  const sanitize = word(59);
  const security = word(128);
  const [canCrypto, canBlock] = [(sanitize & 0x2000) !== 0, (sanitize & 0x8000) !== 0];
  if ((sanitize & 0x1000) !== 0 && (canCrypto || canBlock)) {
    const { count } = sanitizeStatus(commands);
    if ((count & 0x2000) === 0)
      return { kind: "offered", way: { kind: "ataSanitize", action: canCrypto ? "crypto" : "block" } };
    return declined("the firmware of the machine has frozen it (SANITIZE FREEZE LOCK) until its power is cut");
  }
  if ((word(82) & 2) === 0 || (security & 1) === 0)
    return declined(
      "it has neither SANITIZE DEVICE with a crypto scramble or block erase nor the security feature set",
    );
  if ((security & 8) !== 0)
    return declined("the firmware of the machine has frozen it (SECURITY FREEZE LOCK) until its power is cut");
  if ((security & 4) !== 0 && !succeeds(send(commands, command.unlock, withPassword(0))))
    return declined("it is locked with a password that is not Birther's");
  const enhanced = (security & 0x20) !== 0;
  return { kind: "offered", way: { kind: "ataSecurityErase", enhanced, minutes: minutesOf(word(enhanced ? 90 : 89)) } };
}

/** What SANITIZE STATUS EXT says; *idle* of a disk without the command. */
export function ataStatus(commands: DeviceCommands): EraseStatus {
  if ((identifyWords(commands)(59) & 0x1000) === 0) return { kind: "idle" };
  const { isError, count, lba } = sanitizeStatus(commands);
  if ((count & 0x4000) !== 0) return { kind: "running", percent: percentOf65536(lba & 0xffff) };
  if (isError && (lba & 0xff) === 1)
    return { kind: "failed", reason: "SANITIZE STATUS says that the latest operation completed unsuccessfully" };
  return { kind: "idle" };
}

/** Whether SANITIZE STATUS EXT says that the latest operation completed without an error. */
export function saysAtaErased(commands: DeviceCommands): boolean {
  const { isError, count } = sanitizeStatus(commands);
  return !isError && (count & 0x8000) !== 0;
}

/** Begins a sanitize operation, or erases to the end. Throws with what the disk says if it does not. */
export function beginAta(commands: DeviceCommands, way: AtaWay): void {
  if (way.kind === "ataSanitize") {
    const result = sanitizeCommand(commands, way.action);
    if (result.isError)
      throw new Error(
        `SANITIZE DEVICE: expected it to begin, found ${sanitizeReasons[result.lba & 0xff] ?? "an error"}`,
      );
    return;
  }
  const isOurs = (identifyWords(commands)(128) & 2) !== 0;
  if (!isOurs) expect("SECURITY SET PASSWORD", send(commands, command.setPassword, withPassword(0)));
  expect("SECURITY ERASE PREPARE", send(commands, command.erasePrepare));
  const eraseMs = eraseMinutes(way) * 60_000;
  expect("SECURITY ERASE UNIT", send(commands, command.eraseUnit, withPassword(way.enhanced ? 2 : 0), eraseMs));
}

/** The limit of one SECURITY ERASE UNIT: twice what the disk says, and some minutes. */
export function eraseMinutes({ minutes }: { readonly minutes: number | undefined }): number {
  return minutes === undefined ? longestEraseMinutes : 2 * minutes + 10;
}

/** Reasons of a refused SANITIZE DEVICE (ACS-4, SANITIZE DEVICE ERROR REASON). */
const sanitizeReasons: { readonly [code: number]: string } = {
  1: "that the latest operation completed unsuccessfully",
  2: "that it does not support this operation",
  3: "that it is frozen",
  4: "that it is protected by an antifreeze lock",
};

function expect(name: string, result: AtaResult): void {
  if (!succeeds(result))
    throw new Error(
      `${name}: expected success, found status 0x${result.status.toString(16)}, error 0x${result.error.toString(16)}`,
    );
}

function succeeds({ isError }: AtaResult): boolean {
  return !isError;
}

function sanitizeStatus(commands: DeviceCommands): AtaResult {
  return sanitizeCommand(commands, "status");
}

function sanitizeCommand(commands: DeviceCommands, what: keyof typeof sanitizes): AtaResult {
  const { features, lba } = sanitizes[what];
  const cdb = ataPassThrough({ command: command.sanitize, data: "none", extended: true, features, lba });
  return readAtaResult(commands.scsi(cdb, nothing, { direction: "none", timeoutMs: commandMs }));
}

const nothing = new Uint8Array(0);

function send(commands: DeviceCommands, code: number, data: Uint8Array = nothing, timeoutMs = commandMs): AtaResult {
  const direction = data.length > 0 ? "out" : "none";
  const cdb = ataPassThrough({ command: code, data: direction });
  return readAtaResult(commands.scsi(cdb, data, { direction, timeoutMs }));
}

function identifyWords(commands: DeviceCommands): (index: number) => number {
  const data = new Uint8Array(sectorBytes);
  const cdb = ataPassThrough({ command: command.identify, data: "in" });
  const { status, transport } = commands.scsi(cdb, data, { direction: "in", timeoutMs: commandMs });
  if (status !== 0 || transport !== 0) throw new Error(`IDENTIFY DEVICE: expected success, found status ${status}`);
  return (index) => (data[2 * index] ?? 0) | ((data[2 * index + 1] ?? 0) << 8);
}

/** The parameters of the security commands: what the first word says, then the password. */
function withPassword(control: number): Uint8Array<ArrayBuffer> {
  const data = new Uint8Array(sectorBytes);
  data[0] = control;
  data.set(bytesFromText(password), 2);
  return data;
}

/** Words 89 and 90: units of two minutes, in 8 bits, or 15 if bit 15 is set; the highest number means more than it can say. */
function minutesOf(word: number): number | undefined {
  const isLong = (word & 0x8000) !== 0;
  const units = isLong ? word & 0x7fff : word & 0xff;
  return units === 0 || units === (isLong ? 0x7fff : 0xff) ? undefined : 2 * units;
}

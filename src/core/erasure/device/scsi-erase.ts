/** SCSI SANITIZE (SBC-4 §5.31), REPORT SUPPORTED OPERATION CODES and REQUEST SENSE (SPC-5 §6.34 and §6.39). */
import { descriptorAt } from "../../hardware/ata/ata-result.ts";
import type { DeviceCommands } from "../../hardware/device-commands.ts";
import {
  commandMs,
  declined,
  type EraseOffer,
  type EraseStatus,
  type EraseWay,
  percentOf65536,
  type SanitizeAction,
} from "./erase-way.ts";

type ScsiWay = Extract<EraseWay, { kind: "scsiSanitize" }>;

const opcodes = { requestSense: 0x03, sanitize: 0x48, maintenanceIn: 0xa3 } as const;
const actions: { readonly [A in SanitizeAction]: number } = { block: 2, crypto: 3 };
const reportOpcodes = 0x0c;
const byServiceAction = 2;
const immediately = 0x80;
const senseBytes = 252;

/** How this disk is erased. */
export function scsiOffer(commands: DeviceCommands): EraseOffer {
  for (const action of ["crypto", "block"] as const)
    if (isSupported(commands, actions[action])) return { kind: "offered", way: { kind: "scsiSanitize", action } };
  return declined("it has no SANITIZE with a cryptographic or block erase");
}

/** What REQUEST SENSE says. */
export function scsiStatus(commands: DeviceCommands): EraseStatus {
  const data = new Uint8Array(senseBytes);
  commands.scsi([opcodes.requestSense, 0, 0, 0, senseBytes, 0], data, { direction: "in", timeoutMs: commandMs });
  return statusIn(data);
}

/** Begins a sanitize operation, which goes on by itself. Throws with what the disk says if it does not. */
export function beginScsi(commands: DeviceCommands, { action }: ScsiWay): void {
  const cdb = [opcodes.sanitize, immediately | actions[action], 0, 0, 0, 0, 0, 0, 0, 0];
  const { status, transport, sense } = commands.scsi(cdb, nothing, { direction: "none", timeoutMs: commandMs });
  if (status === 0 && transport === 0) return;
  const { key, code, qualifier } = senseOf(sense);
  const hex = (value: number) => value.toString(16).padStart(2, "0");
  throw new Error(
    `SANITIZE: expected it to begin, found SCSI status ${status}, sense ${[key, code, qualifier].map(hex).join("/")}`,
  );
}

const nothing = new Uint8Array(0);

function isSupported(commands: DeviceCommands, action: number): boolean {
  const data = new Uint8Array(32);
  const cdb = [opcodes.maintenanceIn, reportOpcodes, byServiceAction, opcodes.sanitize, 0, action, 0, 0, 0, 32, 0, 0];
  const answer = commands.scsi(cdb, data, { direction: "in", timeoutMs: commandMs });
  return answer.status === 0 && answer.transport === 0 && ((data[1] ?? 0) & 7) === 3;
}

function statusIn(sense: Uint8Array): EraseStatus {
  const { key, code, qualifier, progress } = senseOf(sense);
  if (key === 2 && code === 0x04 && qualifier === 0x1b)
    return { kind: "running", percent: percentOf65536(progress ?? 0) };
  if (code === 0x31 && qualifier === 0x03)
    return { kind: "failed", reason: "REQUEST SENSE says that the latest SANITIZE failed (31h/03h)" };
  return { kind: "idle" };
}

type Sense = { readonly key: number; readonly code: number; readonly qualifier: number; readonly progress?: number };

/** Sense data of either format (SPC-5 §4.4). */
function senseOf(sense: Uint8Array): Sense {
  const byte = (at: number) => sense[at] ?? 0;
  const progressAt = (at: number) => ((byte(at) & 0x80) === 0 ? {} : { progress: (byte(at + 1) << 8) | byte(at + 2) });
  const format = byte(0) & 0x7f;
  if (format === 0x72 || format === 0x73) {
    const at = descriptorAt(sense, 0x02);
    const facts = { key: byte(1) & 0x0f, code: byte(2), qualifier: byte(3) };
    return at === undefined ? facts : { ...facts, ...progressAt(at + 4) };
  }
  return { key: byte(2) & 0x0f, code: byte(12), qualifier: byte(13), ...progressAt(15) };
}

/** NVMe Sanitize and Format NVM (NVM Express Base Specification 2.0, §5.14, §5.17, §5.23 and §5.16.1.25; bytes are little-endian). */
import { unsignedAt } from "../../bytes/little-endian.ts";
import { allNamespaces, type DeviceCommands, readNvmeLog } from "../../hardware/device-commands.ts";
import { commandMs, declined, type EraseOffer, type EraseStatus, type EraseWay, percentOf65536 } from "./erase-way.ts";

type NvmeWay = Extract<EraseWay, { kind: "nvmeSanitize" | "nvmeFormat" }>;

const opcodes = { identify: 0x06, formatNvm: 0x80, sanitize: 0x84 } as const;
/** What Identify is asked for (CNS). */
const about = { namespace: 0x00, controller: 0x01, activeNamespaces: 0x02, allocatedNamespaces: 0x10 } as const;
const identifyBytes = 4096;
const sanitizeLog = { page: 0x81, bytes: 512 } as const;
const sanitizeActions = { block: 2, crypto: 4 } as const;
const secureErase = { userData: 1, crypto: 2 } as const;
/** A completion's status code (generic): the controller sanitizes. */
const sanitizeInProgress = 0x1d;
/** A namespace is formatted within one command. */
const formatMs = 6 * 3_600_000;

/**
 * How this namespace is erased; `taken` are the namespaces of its controller that are to be erased. Sanitize erases the whole
 * subsystem, and Format all namespaces of some controllers: neither is offered where that would erase a namespace that is not taken.
 */
export function nvmeOffer(commands: DeviceCommands, namespace: number, taken: readonly number[]): EraseOffer {
  const controller = identify(commands, about.controller, 0);
  const [oacs, fna, sanicap] = [unsignedAt(controller, 256, 2), controller[524] ?? 0, unsignedAt(controller, 328, 4)];
  const managesNamespaces = (oacs & 8) !== 0;
  const list = identify(commands, managesNamespaces ? about.allocatedNamespaces : about.activeNamespaces, 0);
  const others = namespacesIn(list).filter((id) => !taken.includes(id));
  const canCrypto = (sanicap & 1) !== 0;
  const canBlock = (sanicap & 2) !== 0;
  if ((canCrypto || canBlock) && others.length === 0)
    return { kind: "offered", way: { kind: "nvmeSanitize", action: canCrypto ? "crypto" : "block" } };
  const canFormat = (oacs & 2) !== 0;
  const formatsAll = (fna & 3) !== 0;
  if (canFormat && (!formatsAll || others.length === 0)) {
    const crypto = (fna & 4) !== 0;
    const cdw10 = formatOf(identify(commands, about.namespace, namespace), crypto);
    return {
      kind: "offered",
      way: { kind: "nvmeFormat", crypto, namespace: formatsAll ? allNamespaces : namespace, cdw10 },
    };
  }
  if (canFormat || canCrypto || canBlock)
    return declined(
      `its controller erases all of its namespaces together, also those that are not to be erased: ${others.join(", ")}`,
    );
  return declined("its controller has neither Sanitize with a crypto or block erase nor Format NVM");
}

/** The status of the latest sanitize operation; *idle* where the controller keeps none. */
export function nvmeStatus(commands: DeviceCommands): EraseStatus {
  const log = readSanitizeLog(commands);
  if (log === undefined) return { kind: "idle" };
  const status = unsignedAt(log, 2, 2);
  switch (status & 7) {
    case 1:
    case 4:
      return { kind: (status & nothingWritten) === 0 ? "idle" : "erased" };
    case 2:
      return { kind: "running", percent: percentOf65536(unsignedAt(log, 0, 2)) };
    case 3:
      return { kind: "failed", reason: "the sanitize status log says that the latest sanitize operation failed" };
    default:
      return { kind: "idle" };
  }
}

/** Whether the latest sanitize operation completed; undefined if the log does not say so. */
export function sanitizeSuccess(commands: DeviceCommands): string | undefined {
  const log = readSanitizeLog(commands);
  const status = log === undefined ? 0 : unsignedAt(log, 2, 2);
  if (![1, 4].includes(status & 7)) return undefined;
  const since = (status & nothingWritten) === 0 ? "" : ", and nothing written since";
  return `the sanitize status log says completed${since}`;
}

/** Global Data Erased: no namespace was written since. */
const nothingWritten = 0x100;

function readSanitizeLog(commands: DeviceCommands): Uint8Array | undefined {
  const { status, log } = readNvmeLog(commands, sanitizeLog, commandMs);
  return status === 0 ? log : undefined;
}

/** Begins a sanitize operation, or formats to the end. Throws with what the controller says if it does not. */
export function beginNvme(commands: DeviceCommands, way: NvmeWay): void {
  if (way.kind === "nvmeFormat") {
    const { namespace, cdw10 } = way;
    accepted("Format NVM", commands.nvme({ opcode: opcodes.formatNvm, namespace, cdw10 }, none, formatMs));
    return;
  }
  const cdw10 = sanitizeActions[way.action];
  const status = commands.nvme({ opcode: opcodes.sanitize, cdw10 }, none, commandMs);
  // Of two namespaces, the first one's command erases both.
  if ((status & 0x7ff) !== sanitizeInProgress) accepted("Sanitize", status);
}

const none = new Uint8Array(0);

function accepted(name: string, status: number): void {
  if (status !== 0) throw new Error(`${name}: expected success, found status 0x${(status & 0x7ff).toString(16)}`);
}

function identify(commands: DeviceCommands, cns: number, namespace: number): Uint8Array {
  const data = new Uint8Array(identifyBytes);
  const status = commands.nvme({ opcode: opcodes.identify, namespace, cdw10: cns }, data, commandMs);
  accepted(`Identify ${cns}`, status);
  return data;
}

function namespacesIn(list: Uint8Array): readonly number[] {
  const ids: number[] = [];
  for (let at = 0; at < list.length && unsignedAt(list, at, 4) !== 0; at += 4) ids.push(unsignedAt(list, at, 4));
  return ids;
}

/** CDW10 of Format NVM: the format that the namespace has now, and how its data is erased. */
function formatOf(namespace: Uint8Array, crypto: boolean): number {
  const [flbas, dps] = [namespace[26] ?? 0, namespace[29] ?? 0];
  const format = (flbas & 0x0f) | (((flbas >> 5) & 3) << 12);
  const metadataAtEnd = ((flbas >> 4) & 1) << 4;
  const protection = ((dps & 7) << 5) | (((dps >> 3) & 1) << 8);
  return format | metadataAtEnd | protection | ((crypto ? secureErase.crypto : secureErase.userData) << 9);
}

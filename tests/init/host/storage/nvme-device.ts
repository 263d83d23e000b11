import type { Disk } from "./block-device.ts";
import type { DeviceFirmware, NvmeCommand } from "./device-firmware.ts";

/** What a controller offers, and how it behaves. */
export type NvmeFacts = {
  /** Bits of SANICAP: 1 crypto, 2 block; of OACS: 2 Format, 8 namespace management; of FNA: 1 and 2 all namespaces, 4 crypto. */
  readonly sanicap?: number;
  readonly oacs?: number;
  readonly fna?: number;
  /** The namespace ids of the controller. */
  readonly namespaces?: readonly number[];
  readonly sanitizeMs?: number;
  /** It says that it sanitized, and did not. */
  readonly lies?: true;
  /** Its sanitize operations fail. */
  readonly fails?: true;
};

/**
 * An NVMe controller behind disks, as its specification (NVM Express Base 2.0) has it: Identify, Get Log Page of the sanitize status, Format
 * NVM and Sanitize, which goes on through a power cut. Disks of several namespaces share one: `of` gives each its firmware.
 */
export function makeNvmeController(facts: NvmeFacts = {}) {
  const disks = new Map<number, Disk>();
  const received: NvmeCommand[] = [];
  let running: { readonly untilMs: number; readonly beganMs: number } | undefined;
  let latest: "never" | "completed" | "failed" = "never";
  let erasedAt: readonly string[] | undefined;
  let cdw10OfLatest = 0;

  const contents = () => [...disks.values()].map((disk) => JSON.stringify([...disk.contents()]));
  const erase = (disk: Disk) => {
    disk.discard?.(0, disk.sizeBytes);
    disk.flush();
  };
  function settle(nowMs: number): void {
    if (running === undefined || nowMs < running.untilMs) return;
    running = undefined;
    latest = facts.fails ? "failed" : "completed";
    if (facts.fails || facts.lies) return;
    for (const disk of disks.values()) erase(disk);
    erasedAt = contents();
  }
  const isErased = () => latest === "completed" && JSON.stringify(erasedAt) === JSON.stringify(contents());

  function identify({ namespace, cdw }: NvmeCommand, data: Uint8Array): number {
    const view = new DataView(data.buffer);
    switch (cdw[0]) {
      case 0x00:
        data.set([0x11], 26);
        data.set([0x00], 29);
        return disks.has(namespace) ? 0 : 0x0b;
      case 0x01:
        view.setUint16(256, facts.oacs ?? 0, true);
        data[524] = facts.fna ?? 0;
        view.setUint32(328, facts.sanicap ?? 0, true);
        return 0;
      case 0x02:
      case 0x10:
        for (const [index, id] of (facts.namespaces ?? [...disks.keys()]).entries())
          view.setUint32(4 * index, id, true);
        return 0;
      default:
        return 0x02;
    }
  }
  function sanitizeLog(data: Uint8Array, nowMs: number): number {
    if ((facts.sanicap ?? 0) === 0) return 0x09;
    const view = new DataView(data.buffer);
    const state = running !== undefined ? 2 : { never: 0, completed: 1, failed: 3 }[latest];
    const part = running === undefined ? 1 : (nowMs - running.beganMs) / (running.untilMs - running.beganMs);
    view.setUint16(0, Math.min(65_535, Math.floor(part * 65_536)), true);
    view.setUint16(2, state | (isErased() ? 0x100 : 0), true);
    view.setUint32(4, cdw10OfLatest, true);
    return 0;
  }
  function sanitize([cdw10 = 0]: readonly number[], nowMs: number): number {
    if (running !== undefined) return 0x1d;
    const needed = { 2: 2, 4: 1 }[cdw10 & 7];
    if (needed === undefined || ((facts.sanicap ?? 0) & needed) === 0) return 0x02;
    cdw10OfLatest = cdw10;
    running = { beganMs: nowMs, untilMs: nowMs + (facts.sanitizeMs ?? 60_000) };
    return 0;
  }
  function format({ namespace, cdw: [cdw10 = 0] }: NvmeCommand): number {
    // The format of the namespace is to be kept: index 1, metadata at the end.
    if (((facts.oacs ?? 0) & 2) === 0 || (cdw10 & 0x1f) !== 0x11) return 0x02;
    const mode = (cdw10 >> 9) & 7;
    if (mode === 2 && ((facts.fna ?? 0) & 4) === 0) return 0x02;
    for (const [id, disk] of disks)
      if (!facts.lies && (namespace === 0xffffffff || namespace === id || ((facts.fna ?? 0) & 3) !== 0)) erase(disk);
    return 0;
  }
  const nvmeAdmin: NonNullable<DeviceFirmware["nvmeAdmin"]> = (command, data, nowMs) => {
    settle(nowMs);
    received.push(command);
    const { opcode, cdw } = command;
    if (opcode === 0x06) return { status: identify(command, data), result: 0 };
    if (opcode === 0x02 && ((cdw[0] ?? 0) & 0xff) === 0x81) return { status: sanitizeLog(data, nowMs), result: 0 };
    if (opcode === 0x84) return { status: sanitize(cdw, nowMs), result: 0 };
    if (opcode === 0x80) return { status: format(command), result: 0, tookMs: 3000 };
    return { status: 0x01, result: 0 };
  };
  return {
    of: (namespace: number) => (disk: Disk) => {
      disks.set(namespace, disk);
      return {
        nvmeAdmin,
        isReady: (nowMs: number) => {
          settle(nowMs);
          return running === undefined && latest !== "failed";
        },
      };
    },
    /** The commands so far with this opcode. */
    received: (opcode: number) => received.filter((command) => command.opcode === opcode),
    repaired: () => {
      latest = "never";
    },
  };
}

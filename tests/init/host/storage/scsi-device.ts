import type { Disk } from "./block-device.ts";
import type { DeviceFirmware } from "./device-firmware.ts";
import { fixedSense } from "./sense.ts";

/** What a SCSI disk offers, and how it behaves. */
export type ScsiFacts = {
  /** Service actions of SANITIZE that it supports: 2 block erase, 3 cryptographic erase. */
  readonly sanitizes?: readonly number[];
  readonly sanitizeMs?: number;
  readonly fails?: true;
  /** It is reserved, write-protected or the like: SANITIZE is refused with this key and code. */
  readonly refuses?: readonly [key: number, code: number, qualifier: number];
};

const invalidOpcode = fixedSense(5, [0x20, 0x00]);

/** A SCSI disk, as SBC-4 and SPC-5 have it: REPORT SUPPORTED OPERATION CODES, SANITIZE and REQUEST SENSE. */
export function makeScsiDisk(facts: ScsiFacts = {}) {
  let running: { readonly beganMs: number; readonly untilMs: number } | undefined;
  let hasFailed = false;
  let sanitizes = 0;
  const device = (disk: Disk): DeviceFirmware => {
    function settle(nowMs: number): void {
      if (running === undefined || nowMs < running.untilMs) return;
      running = undefined;
      hasFailed = facts.fails === true;
      if (hasFailed) return;
      disk.discard?.(0, disk.sizeBytes);
      disk.flush();
    }
    function senseNow(nowMs: number): Uint8Array {
      if (running !== undefined) {
        const part = (nowMs - running.beganMs) / (running.untilMs - running.beganMs);
        return fixedSense(2, [0x04, 0x1b], Math.min(0xffff, Math.floor(part * 65_536)));
      }
      return hasFailed ? fixedSense(3, [0x31, 0x03]) : fixedSense(0, [0, 0]);
    }
    return {
      isReady: (nowMs) => {
        settle(nowMs);
        return running === undefined && !hasFailed;
      },
      scsi: (cdb, data, nowMs) => {
        settle(nowMs);
        const none = new Uint8Array(0);
        const offered = facts.sanitizes ?? [];
        if (cdb[0] === 0x03) {
          data.set(senseNow(nowMs));
          return { status: 0, sense: none };
        }
        if (cdb[0] === 0xa3 && facts.sanitizes !== undefined) {
          data[1] = cdb[3] === 0x48 && offered.includes(cdb[5] ?? 0) ? 3 : 1;
          return { status: 0, sense: none };
        }
        if (cdb[0] !== 0x48) return { status: 2, sense: invalidOpcode };
        if (facts.refuses !== undefined) {
          const [key, code, qualifier] = facts.refuses;
          return { status: 2, sense: fixedSense(key, [code, qualifier]) };
        }
        const [, action = 0] = cdb;
        // IMMED, and one of the actions: anything else would hold up the caller, or is no erasing.
        if ((action & 0x80) === 0 || !offered.includes(action & 0x1f))
          return { status: 2, sense: fixedSense(5, [0x24, 0x00]) };
        sanitizes += 1;
        hasFailed = false;
        running = { beganMs: nowMs, untilMs: nowMs + (facts.sanitizeMs ?? 60_000) };
        return { status: 0, sense: none };
      },
    };
  };
  return { device, sanitizes: () => sanitizes };
}

import type { Disk } from "./block-device.ts";
import type { DeviceFirmware } from "./device-firmware.ts";
import { ataSense, fixedAtaSense } from "./sense.ts";

/** What an ATA disk offers, and how it behaves. */
export type AtaFacts = {
  readonly crypto?: true;
  readonly block?: true;
  readonly security?: true;
  readonly enhanced?: true;
  /** The machine's firmware has sent SECURITY FREEZE LOCK, or SANITIZE FREEZE LOCK EXT. */
  readonly frozen?: "security" | "sanitize";
  readonly sanitizeMs?: number;
  /** Words 89 and 90. */
  readonly eraseMinutes?: number;
  readonly fails?: true;
  /** It is locked with this password. */
  readonly password?: string;
};

const keys: { readonly [features: number]: number } = { 17: 0x43727970, 18: 0x426b4572 };
const aborted = { status: 0x51, error: 0x04 };

/**
 * An ATA disk behind SCSI's ATA PASS-THROUGH (16), as ACS-4 and SAT-4 have it: IDENTIFY DEVICE, SANITIZE DEVICE, which goes on through a power
 * cut, and the security feature set, in which a power cut during SECURITY ERASE UNIT leaves a password.
 */
export function makeAtaDisk(facts: AtaFacts = {}) {
  const received: number[] = [];
  let running: { readonly beganMs: number; readonly untilMs: number } | undefined;
  let latest: "never" | "completed" | "failed" = "never";
  let password = facts.password;
  let isUnlocked = false;
  let isPrepared = false;
  let cutNext = false;
  const isLocked = () => password !== undefined && !isUnlocked;

  function identify(data: Uint8Array): void {
    const word = (index: number, value: number) => data.set([value & 0xff, value >> 8], 2 * index);
    const sanitize = facts.crypto || facts.block;
    word(59, (sanitize ? 0x1000 : 0) | (facts.crypto ? 0x2000 : 0) | (facts.block ? 0x8000 : 0));
    word(82, facts.security ? 2 : 0);
    for (const index of [89, 90]) word(index, (facts.eraseMinutes ?? 4) / 2);
    const state = (password === undefined ? 0 : 2) | (isLocked() ? 4 : 0) | (facts.frozen === "security" ? 8 : 0);
    word(128, facts.security ? 1 | state | (facts.enhanced ? 0x20 : 0) : 0);
  }
  const device = (disk: Disk): DeviceFirmware => {
    function erase(): void {
      disk.discard?.(0, disk.sizeBytes);
      disk.flush();
    }
    function settle(nowMs: number): void {
      if (running === undefined || nowMs < running.untilMs) return;
      running = undefined;
      latest = facts.fails ? "failed" : "completed";
      if (latest === "completed") erase();
    }
    function sanitize(features: number, lba: number, nowMs: number): Uint8Array {
      if (!facts.crypto && !facts.block) return fixedAtaSense(aborted);
      const frozen = facts.frozen === "sanitize";
      if (features === 0) {
        if (running !== undefined) {
          const part = (nowMs - running.beganMs) / (running.untilMs - running.beganMs);
          return ataSense({ status: 0x50, count: 0x4000, lba: Math.min(0xffff, Math.floor(part * 65_536)) });
        }
        if (latest === "failed") return fixedAtaSense({ ...aborted, lba: 1 });
        return ataSense({
          status: 0x50,
          count: (latest === "completed" ? 0x8000 : 0) | (frozen ? 0x2000 : 0),
          lba: 0xffff,
        });
      }
      if (frozen) return fixedAtaSense({ ...aborted, lba: 3 });
      const isOffered = (features === 0x11 && facts.crypto) || (features === 0x12 && facts.block);
      if (!isOffered || lba !== keys[features]) return fixedAtaSense({ ...aborted, lba: 2 });
      running = { beganMs: nowMs, untilMs: nowMs + (facts.sanitizeMs ?? 60_000) };
      return ataSense({ status: 0x50, count: 0x4000 });
    }
    function security(command: number, data: Uint8Array): Uint8Array {
      if (!facts.security || facts.frozen === "security") return fixedAtaSense(aborted);
      const given = Buffer.from(data.subarray(2, 34)).toString("latin1").replace(/\0+$/, "");
      const good = ataSense({ status: 0x50 });
      switch (command) {
        case 0xf1:
          password = given;
          isUnlocked = true;
          return good;
        case 0xf2:
          isUnlocked = given === password;
          return isUnlocked ? good : fixedAtaSense(aborted);
        case 0xf3:
          isPrepared = true;
          return good;
        default: {
          const mayErase = isPrepared && given === password && (data[0] === 2) === (facts.enhanced === true);
          isPrepared = false;
          if (!mayErase) return fixedAtaSense(aborted);
          if (cutNext) {
            cutNext = false;
            isUnlocked = false;
            return fixedAtaSense(aborted);
          }
          erase();
          password = undefined;
          return good;
        }
      }
    }
    return {
      isReady: (nowMs) => {
        settle(nowMs);
        return running === undefined && latest !== "failed" && !isLocked();
      },
      scsi: (cdb, data, nowMs) => {
        settle(nowMs);
        if (cdb[0] !== 0x85)
          return { status: 2, sense: new Uint8Array([0x70, 0, 5, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x20, 0]) };
        const byte = (at: number) => cdb[at] ?? 0;
        const [command, features] = [byte(14), (byte(3) << 8) | byte(4)];
        received.push(command);
        if (command === 0xec) {
          identify(data);
          return { status: 0, sense: new Uint8Array(0) };
        }
        const lba = byte(8) + 256 * byte(10) + 65_536 * byte(12) + 2 ** 24 * byte(7);
        if (command === 0xb4) return { status: 2, sense: sanitize(features, lba, nowMs) };
        const tookMs = command === 0xf4 ? (facts.eraseMinutes ?? 4) * 60_000 : 0;
        return { status: 2, sense: security(command, data), tookMs };
      },
    };
  };
  return {
    device,
    received: (command: number) => received.filter((one) => one === command).length,
    /** The next SECURITY ERASE UNIT loses its power: the disk stays locked. */
    cutNextErase: () => {
      cutNext = true;
    },
    passwordOf: () => password,
  };
}

import * as host from "host";
import * as os from "os";
import { diskKeyBytes } from "../../../core/boot-loader/efi-variable.ts";
import { tpmModules } from "../../../core/image/boot/unlock.ts";
import type { KeyOffer } from "../../../core/install/storage-policy.ts";
import { destroyKey, keepKey, readKey, tryToKeep } from "../../../core/tpm/nv-key.ts";
import { messageOf } from "../../birth/stop.ts";
import { hasTpm, withTpm } from "./tpm.ts";

/** Whether this machine's TPM keeps a disk key: tried with another index. `answers`: it made its keys in this boot. */
export function tpmOffer(answers: boolean): KeyOffer {
  const none = (reason: string): KeyOffer => ({ kind: "keepsNone", reason });
  if (!hasTpm()) return none("there is no TPM 2.0");
  // One that hangs would have the watchdog end each attempt.
  if (!answers) return none("its TPM gave no answer in this boot");
  const driver = driverName();
  if (!tpmModules.some((name) => name === driver))
    return none(`its TPM has the driver ${driver}: expected one that the second initrd has (${tpmModules.join(", ")})`);
  try {
    withTpm((hold) => hold(tryToKeep(diskKeyBytes)));
    return { kind: "keeps" };
  } catch (error) {
    return none(`its TPM keeps no key: ${messageOf(error)}`);
  }
}

/** The kernel's driver of the first TPM; empty if it does not say. */
function driverName(): string {
  const [target] = os.readlink("/sys/class/tpm/tpm0/device/driver");
  return target.slice(target.lastIndexOf("/") + 1);
}

/** What became of the disk key in the TPM. */
export type DiscardedTpmKey =
  /** There was none. */
  | { readonly kind: "none" }
  /** The TPM says that it has no such index any more. */
  | { readonly kind: "gone" }
  /** The TPM was not asked, or refused: it may hold a key. */
  | { readonly kind: "unknown"; readonly reason: string };

/** Destroys Birther's disk key in the TPM, and asks the TPM whether it is gone. Never throws: LUKS headers are overwritten in any case. */
export function discardTpmKey(answers: boolean, byteCount: number): DiscardedTpmKey {
  // A TPM 1.2 cannot hold one.
  if (!hasTpm()) return { kind: "none" };
  if (!answers) return { kind: "unknown", reason: "the TPM gave no answer in this boot" };
  try {
    return { kind: withTpm((hold) => hold(destroyKey(byteCount))) ? "gone" : "none" };
  } catch (error) {
    return { kind: "unknown", reason: messageOf(error) };
  }
}

/** Makes a new random key in the TPM, and reads it back before anything depends on it. */
export function makeTpmKey(byteCount: number): void {
  const key = new Uint8Array(host.randomBytes(byteCount));
  withTpm((hold) => hold(keepKey(key)));
}

/** The disk key in the TPM; throws if it gives none. */
export function readTpmKey(): Uint8Array {
  return withTpm((hold) => hold(readKey(diskKeyBytes)));
}

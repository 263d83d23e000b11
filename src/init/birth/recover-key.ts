import * as host from "host";
import { diskKeyBytes, diskKeyVariable, sealedKeyVariable } from "../../core/boot-loader/efi-variable.ts";
import { bytesFromHex } from "../../core/bytes/text.ts";
import { recoveryPurpose } from "../../core/tpm/recovery.ts";
import { beginRecovery, finishRecovery, type RecoveryConsent } from "../../core/tpm/seal-session.ts";
import { readSealedKey, type SealedKey } from "../../core/tpm/sealed-key.ts";
import { openEfiVariables, readKeyVariable, storeKeyVariable } from "../device/firmware/efi.ts";
import { tpmSeconds, withTpm } from "../device/firmware/tpm.ts";
import { sleepMs } from "../system/clock.ts";
import { sha256 } from "../system/sha256.ts";
import type { BirthContext } from "./birth-context.ts";
import { requestSeconds } from "./mdb.ts";
import { stop } from "./stop.ts";
import type { TakenOrder } from "./take-order.ts";

const nonceBytes = 32;
const restartSeconds = 60;
/** The watchdog process reads that the machine restarts. */
const messageMs = 500;

/**
 * Puts the plain disk key back into the firmware, by consent of the MDB's authority to a session of this machine's TPM, and restarts
 * the machine into its disk, whose agent seals the key anew. Erases nothing, and changes nothing if it fails.
 */
export function recoverKey({ runStep, console, watchdog }: BirthContext, taken: TakenOrder): never {
  runStep("recoverKey", requestSeconds + tpmSeconds, () => {
    openEfiVariables(taken.drivers);
    if (readKeyVariable(diskKeyVariable) !== undefined) {
      console.log("info", "the disk key is in the firmware already");
      return;
    }
    storeKeyVariable(diskKeyVariable, unsealed(sealedKey(), taken));
    console.log("warn", "the disk key is recovered; the agent seals it anew");
  });
  watchdog.step("restart", restartSeconds);
  watchdog.restarting();
  console.show(["the disk key is recovered; restarting into the disk"]);
  sleepMs(messageMs);
  host.reboot("restart");
}

function sealedKey(): SealedKey {
  const stored = readKeyVariable(sealedKeyVariable);
  const sealed = stored === undefined ? undefined : readSealedKey(stored);
  if (sealed !== undefined) return sealed;
  const found = stored === undefined ? "no such variable" : "other bytes";
  throw stop(`expected the sealed disk key in ${sealedKeyVariable}, found ${found}`, "Only a rebirth helps.");
}

function unsealed(sealed: SealedKey, { mdb, order }: TakenOrder): Uint8Array {
  const key = withTpm((hold) => {
    const session = hold(beginRecovery(new Uint8Array(host.randomBytes(nonceBytes))));
    const consent = consentOf(mdb.askToRecover(order.session, session.nonce), order.machineId);
    return hold(finishRecovery(sealed, session, { consent, sha256 }));
  });
  if (key.length !== diskKeyBytes) throw new Error(`expected a disk key of ${diskKeyBytes} bytes, found ${key.length}`);
  return key;
}

function consentOf(
  { verifier, r, s }: { readonly verifier: string; readonly r: string; readonly s: string },
  machineId: string,
): RecoveryConsent {
  const bytes = (hex: string) => bytesFromHex(hex) ?? new Uint8Array();
  return {
    verifier: bytes(verifier),
    purpose: recoveryPurpose(machineId, sha256),
    signature: { r: bytes(r), s: bytes(s) },
  };
}

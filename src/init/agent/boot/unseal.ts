import * as host from "host";
import * as std from "std";
import { diskKeyBytes, variableValue } from "../../../core/boot-loader/efi-variable.ts";
import { lockKey, readKey } from "../../../core/tpm/nv-key.ts";
import { endUnsealing, unsealKey } from "../../../core/tpm/seal-session.ts";
import { readSealedKey } from "../../../core/tpm/sealed-key.ts";
import { messageOf } from "../../birth/stop.ts";
import { hasTpm, withTpm } from "../../device/firmware/tpm.ts";
import { sleepMs } from "../../system/clock.ts";
import { exists, readBytes, writeToDescriptor } from "../../system/files.ts";
import { sha256 } from "../../system/sha256.ts";

/** Time for the TPM's driver, which the initrd has just loaded, to find it. */
const appearMs = 10_000;
const pauseMs = 100;
const nonceBytes = 32;
const standardOutput = 1;

/** The files of the variables with the plain key and with the sealed one. */
export type KeyFiles = { readonly plain: string; readonly sealed: string };

/**
 * In the second initrd: writes the disk key to the standard output, or says why it cannot. First it has the TPM give the sealed key to
 * no system that starts from now on: who can write to the disk and to the firmware's variables may have put another root there, with
 * a plain key that opens it. Changes nothing else.
 */
export function runUnseal({ plain, sealed }: KeyFiles): void {
  try {
    awaitTpm();
    const key = exists(plain) ? plainKey(plain) : unsealed(sealed);
    writeToDescriptor(standardOutput, key, "write the key");
  } catch (error) {
    say(messageOf(error));
    std.exit(1);
  }
}

/** In the second initrd: writes the disk key from the TPM to the standard output, once the TPM gives it to nobody else in this boot. */
export function runTpmKey(): void {
  try {
    awaitTpm();
    const key = withTpm((hold) => {
      const read = hold(readKey(diskKeyBytes));
      try {
        hold(lockKey());
      } catch (error) {
        // The machine must come up; what runs on it could read the key from the kernel as well.
        say(`the disk key stays readable in this boot: ${messageOf(error)}`);
      }
      return read;
    });
    writeToDescriptor(standardOutput, key, "write the key");
  } catch (error) {
    say(messageOf(error));
    std.exit(1);
  }
}

function awaitTpm(): void {
  for (const endMs = host.monotonicMs() + appearMs; !hasTpm() && host.monotonicMs() < endMs; ) sleepMs(pauseMs);
}

function say(what: string): void {
  std.err.puts(`birther: ${what}\n`);
  std.err.flush();
}

/** A machine whose key is not sealed starts also with a TPM that fails. */
function plainKey(file: string): Uint8Array {
  try {
    withTpm((hold) => hold(endUnsealing(sha256)));
  } catch (error) {
    say(messageOf(error));
  }
  return variableValue(readBytes(file)).slice(0, diskKeyBytes);
}

function unsealed(file: string): Uint8Array {
  if (!exists(file)) throw new Error(`expected the disk key in ${file}, found no key of this machine`);
  const sealed = readSealedKey(variableValue(readBytes(file)));
  if (sealed === undefined) throw new Error(`${file}: expected a sealed disk key, found other bytes`);
  const nonce = new Uint8Array(host.randomBytes(nonceBytes));
  const found = withTpm((hold) => {
    const result = hold(unsealKey(sealed, nonce, sha256));
    hold(endUnsealing(sha256));
    return result;
  });
  if (found.kind === "opened") return found.key;
  const pcrs = found.pcrs.join(" and ");
  throw new Error(`the disk key is sealed to other boots than this one: PCR ${pcrs} of the TPM differs`);
}

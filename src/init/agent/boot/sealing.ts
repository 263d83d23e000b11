import * as host from "host";
import { maxDiskKeyReason } from "../../../contract/measured-boot.ts";
import {
  diskKeyBytes,
  diskKeyVariable,
  efivarsDirectory,
  sealedKeyVariable,
} from "../../../core/boot-loader/efi-variable.ts";
import { firmwareBoots } from "../../../core/boot-loader/firmware-measurements.ts";
import { bytesFromHex, sameBytes } from "../../../core/bytes/text.ts";
import { type PossibleBoot, pcrDigestOf } from "../../../core/image/boot/measured-boot.ts";
import { encryptionOf } from "../../../core/install/root-volume.ts";
import type { AgentPlainCause, DiskKeyState } from "../../../core/tpm/disk-key.ts";
import type { MeasuredBoot } from "../../../core/tpm/measured-boot.ts";
import { recoveryBranches } from "../../../core/tpm/recovery.ts";
import type { SealedTo } from "../../../core/tpm/seal-policy.ts";
import { sealKey, whyNotOpened } from "../../../core/tpm/seal-session.ts";
import { readSealedKey, type SealedKey, writeSealedKey } from "../../../core/tpm/sealed-key.ts";
import { exists as existsBeneath, makeDirectories, readBytes, readText, replaceBytes } from "../../beneath/files.ts";
import { messageOf } from "../../birth/stop.ts";
import { discardKeyVariable, readKeyVariable, storeKeyVariable } from "../../device/firmware/efi.ts";
import { hasTpm, withTpm } from "../../device/firmware/tpm.ts";
import { mountEfiVariables } from "../../device/mounts.ts";
import { exists, list, readText as readSystemText } from "../../system/files.ts";
import { sha256 } from "../../system/sha256.ts";
import { agentPaths } from "../paths.ts";
import { isPidOne } from "../pid-one.ts";
import type { SubContext } from "../sub-context.ts";
import { expectedBoots, pcrs } from "./measured-boot.ts";
import { type KnownKey, tryOnce, whyNoTry } from "./sealing-tries.ts";

const nonceBytes = 32;
const keyMode = 0o600;

/** Why a key is not sealed: the cause for counts, the reason for people. */
type WhyPlain = { readonly cause: AgentPlainCause; readonly reason: string };

type SealContext = Pick<SubContext, "root" | "settings" | "log">;

/**
 * Seals the disk key to what the boot partition holds, and then removes the plain one from the firmware: once this machine has
 * booted as written from its disk and a server has heard of it, because before that a resume needs the plain key. Afterwards seals it
 * anew whenever it is to open for other boots. Each step can be repeated. Undefined where the key is not to be sealed. Never throws.
 */
export function keepKeySealed(context: SealContext, measured: MeasuredBoot | undefined): DiskKeyState | undefined {
  const { loader } = sealingOf(context);
  if (loader === undefined || isPidOne()) return undefined;
  const hung = whyNoTry(context.root);
  if (hung !== undefined) return keyStateOf(hung.key, { cause: "gave-up", reason: hung.reason });
  let known: KnownKey = "unknown";
  try {
    return tryOnce(context.root, (know) => {
      openVariables();
      const plain = readKeyVariable(diskKeyVariable);
      known = plain === undefined ? "sealed" : "plain";
      know(known);
      return sealOrKeep(context, { plain, whyNot: () => whyNotSealed(loader, measured) });
    });
  } catch (error) {
    const reason = messageOf(error);
    context.log("warn", "sealing the disk key failed", { reason });
    return keyStateOf(known, { cause: "failed", reason });
  }
}

function sealOrKeep(
  context: SealContext,
  { plain, whyNot }: { readonly plain: Uint8Array | undefined; readonly whyNot: () => WhyPlain | undefined },
): DiskKeyState {
  if (plain === undefined) {
    sealTo(context, wantedOf(context, expectedBoots(context.root)));
    return { kind: "sealed" };
  }
  const why = whyNot();
  if (why !== undefined) return { kind: "plain", ...why };
  sealFirst(context, plain);
  context.log("info", "the disk key is sealed to the boot path; the plain one is removed from the firmware");
  return { kind: "sealed" };
}

/** Undefined if nothing is known: the server keeps what it knows. */
function keyStateOf(known: KnownKey, { cause, reason }: WhyPlain): DiskKeyState | undefined {
  if (known === "plain") return { kind: "plain", reason: reason.slice(0, maxDiskKeyReason), cause };
  return known === "sealed" ? { kind: "sealed" } : undefined;
}

/**
 * Before the boot partition changes: seals the key to these boots, if it is sealed, so that it opens for what is there and for what
 * comes. Throws if that fails, or if the boots are not known: the change must not begin.
 */
export function sealToBoots(context: SealContext, boots: readonly PossibleBoot[] | undefined): void {
  if (sealingOf(context).loader === undefined) return;
  // A plain key opens for every boot.
  if (whyNoTry(context.root)?.key === "plain") return;
  try {
    tryOnce(context.root, () => {
      openVariables();
      if (readKeyVariable(diskKeyVariable) !== undefined || readKeyVariable(sealedKeyVariable) === undefined) return;
      sealTo(context, wantedOf(context, boots));
    });
  } catch (error) {
    throw new Error(
      `the disk key cannot be sealed to the next boot, so the machine keeps its present one: ${messageOf(error)}`,
    );
  }
}

/** The same afterwards, for what is there alone: if it fails, the next check tries again, and the key still opens for it. */
export function sealToBootsLater(context: SealContext, boots: readonly PossibleBoot[] | undefined): void {
  try {
    sealToBoots(context, boots);
  } catch (error) {
    context.log("warn", "the disk key still opens for former boots", { reason: messageOf(error) });
  }
}

/** The Authenticode hash of the boot loader; undefined if the key is not to be sealed. */
function sealingOf({ settings }: SealContext): { readonly loader: Uint8Array | undefined } {
  const hex = encryptionOf(settings.root)?.seal?.loaderSha256;
  return { loader: hex === undefined ? undefined : bytesFromHex(hex) };
}

function openVariables(): void {
  if (exists(efivarsDirectory) && list(efivarsDirectory).length > 0) return;
  mountEfiVariables(efivarsDirectory);
}

/** Why the plain key has to stay for now; undefined if it can be sealed. */
function whyNotSealed(loader: Uint8Array, measured: MeasuredBoot | undefined): WhyPlain | undefined {
  if (!hasTpm()) return { cause: "tpm-gone", reason: "expected the TPM 2.0 of its birth, found none" };
  if (measured?.kind !== "asWritten")
    return {
      cause: "other-start",
      reason: "expected a boot as written, found none yet: a restart measures what the agent has written",
    };
  const found = bytesFromHex(readSystemText(`${pcrs}/4`).trim());
  if (found !== undefined && firmwareBoots(loader, sha256).some((value) => sameBytes(value, found))) return undefined;
  return {
    cause: "other-program",
    reason:
      "PCR 4 of the TPM: expected the boot loader after at most 7 boot entries that started nothing, found another value; another program ran before it",
  };
}

function wantedOf({ root, settings, ...context }: SealContext, boots: readonly PossibleBoot[] | undefined): SealedTo {
  const { loader } = sealingOf({ root, settings, ...context });
  if (boots === undefined || loader === undefined)
    throw new Error(
      "expected the measurements of the next boot, found a configuration whose measurements are not known",
    );
  return {
    firmware: firmwareBoots(loader, sha256),
    grub: boots.map((boot) => pcrDigestOf(boot, sha256)),
    recovery: recoveryBranches(readText(root, agentPaths.caCertificate), settings.machineId, sha256),
  };
}

/** Seals the plain key for the first time, or anew after a recovery: a copy on the encrypted root, the sealed one, a trial; then removes it. */
function sealFirst(context: SealContext, plain: Uint8Array): void {
  const { root } = context;
  if (plain.length !== diskKeyBytes)
    throw new Error(`${diskKeyVariable}: expected ${diskKeyBytes} bytes, found ${plain.length}`);
  if (keptKey(root)?.join() !== plain.join()) {
    makeDirectories(root, agentPaths.state);
    replaceBytes(root, agentPaths.diskKey, plain, keyMode);
    host.sync();
  }
  const sealed = sealTo(context, wantedOf(context, expectedBoots(root)));
  const nonce = new Uint8Array(host.randomBytes(nonceBytes));
  const closedBy = withTpm((hold) => hold(whyNotOpened(sealed, nonce, sha256)));
  if (closedBy !== undefined)
    throw new Error(
      `a trial of the sealed key: expected it to open, found other values of PCR ${closedBy.join(" and ")}`,
    );
  discardKeyVariable(diskKeyVariable);
}

function keptKey(root: string): Uint8Array | undefined {
  return existsBeneath(root, agentPaths.diskKey) ? readBytes(root, agentPaths.diskKey) : undefined;
}

/** Seals the key on the encrypted root, unless the firmware holds it sealed to just this. */
function sealTo({ root, log }: SealContext, to: SealedTo): SealedKey {
  const stored = readKeyVariable(sealedKeyVariable);
  const present = stored === undefined ? undefined : readSealedKey(stored);
  if (present !== undefined && isSame(present.to, to)) return present;
  const key = keptKey(root);
  if (key?.length !== diskKeyBytes)
    throw new Error(
      `${agentPaths.diskKey}: expected the disk key, found ${key === undefined ? "no file" : "other bytes"}`,
    );
  const sealed = { to, object: withTpm((hold) => hold(sealKey(key, to, sha256))) };
  storeKeyVariable(sealedKeyVariable, writeSealedKey(sealed));
  log("info", "sealed the disk key", { boots: to.grub.length, recoveries: to.recovery.length });
  return sealed;
}

function isSame(one: SealedTo, other: SealedTo): boolean {
  const isSameList = (left: readonly Uint8Array[], right: readonly Uint8Array[]) =>
    left.length === right.length && left.every((digest, index) => sameBytes(digest, right[index] ?? new Uint8Array()));
  return (
    isSameList(one.firmware, other.firmware) &&
    isSameList(one.grub, other.grub) &&
    isSameList(one.recovery, other.recovery)
  );
}

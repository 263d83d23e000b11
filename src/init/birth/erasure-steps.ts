import type { ErasureStep } from "../../core/erasure/erasure.ts";
import type { DiscardedBlocks } from "../device/disk/discard.ts";
import type { ErasedHeaders } from "../device/disk/luks-headers.ts";
import type { DiscardedKeys } from "../device/firmware/efi.ts";
import type { DiscardedTpmKey } from "../device/firmware/tpm-key.ts";

/** What the contract takes. */
const reasonLimit = 500;

type Times = Pick<ErasureStep, "startedAtMs" | "endedAtMs">;

/** What became of the old disk keys, for the record. */
export function keysErasure(old: DiscardedKeys, times: Times): ErasureStep {
  const method = "keyDestroyed";
  if (old.kind === "unreadable")
    return {
      ...{ method, what: "disk keys in UEFI variables", found: 0, ...times },
      verification: {
        kind: "unverified",
        reason: `the firmware's variables cannot be read: ${old.reason}`.slice(0, reasonLimit),
      },
    };
  const how =
    old.count === 0
      ? "the firmware listed no disk key"
      : "deleted, then the firmware's variables were mounted anew: it lists no disk key";
  return {
    ...{ method, what: `${counted(old.count, "disk key")} in UEFI variables, plain or sealed by the TPM` },
    ...{ found: old.count, ...times, verification: { kind: "verified", how } },
  };
}

/** What became of the old disk key in the TPM, for the record. */
export function tpmKeyErasure(old: Exclude<DiscardedTpmKey, { kind: "none" }>, times: Times): ErasureStep {
  const method = "keyDestroyed";
  if (old.kind === "unknown")
    return {
      ...{ method, what: "a disk key in the TPM", found: 0, ...times },
      verification: { kind: "unverified", reason: `it may be there still: ${old.reason}`.slice(0, reasonLimit) },
    };
  const how = "removed, then the TPM was asked: it has no such index";
  return {
    ...{ method, what: "1 disk key in the TPM (NV index)", found: 1, ...times },
    verification: { kind: "verified", how },
  };
}

/** What became of the LUKS headers on a disk, for the record. */
export function headersErasure(old: ErasedHeaders, times: Times): ErasureStep {
  const { headers, mebibytes } = old;
  const how =
    headers === 0
      ? "the disk was searched: its beginning, the partitions of its tables and its first mebibytes"
      : `${mebibytes} MiB of zeros read back from the disk`;
  return {
    ...{ method: "headerOverwritten", what: `${counted(headers, "LUKS header")} with key slots` },
    ...{ found: headers, ...times, verification: { kind: "verified", how } },
  };
}

/** What became of the other blocks of a disk, for the record. */
export function discardErasure(old: DiscardedBlocks, times: Times): ErasureStep {
  const { mebibytes, samples, zeros, refusal } = old;
  const step = { method: "discarded", what: `${mebibytes} MiB of the disk`, found: 0, ...times } as const;
  const seen = `${zeros} of ${samples} samples of the disk read as zeros`;
  if (refusal !== undefined)
    return { ...step, verification: { kind: "unverified", reason: `${refusal}; ${seen}`.slice(0, reasonLimit) } };
  if (zeros < samples)
    return { ...step, verification: { kind: "unverified", reason: `the disk takes discards; ${seen}` } };
  return { ...step, verification: { kind: "verified", how: seen } };
}

/** What became of the signatures on a disk, for the record. */
export function signaturesErasure(old: readonly string[], times: Times): ErasureStep {
  return {
    ...{ method: "signaturesOverwritten", what: `signatures: ${old.join(", ") || "none"}`.slice(0, reasonLimit) },
    ...{ found: old.length, ...times, verification: { kind: "verified", how: "searched anew: the disk shows none" } },
  };
}

function counted(count: number, what: string): string {
  return `${count === 0 ? "no" : count} ${what}${count === 1 ? "" : "s"}`;
}

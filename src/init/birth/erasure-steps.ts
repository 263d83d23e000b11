import type { ErasureStep } from "../../core/erasure/erasure.ts";
import type { DiscardedKeys } from "../device/efi.ts";
import type { ErasedHeaders } from "../device/luks-headers.ts";

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

function counted(count: number, what: string): string {
  return `${count === 0 ? "no" : count} ${what}${count === 1 ? "" : "s"}`;
}

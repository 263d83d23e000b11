/** What a machine's agent knows of the measurements of its boots: on its disk, and in its polls. */
import * as v from "valibot";
import type { MeasuredBootRecord } from "../core/image/boot/measured-boot.ts";
import { agentPlainCauses, birthPlainCauses, type DiskKeyState, type KeySealing } from "../core/tpm/disk-key.ts";
import type { MeasuredBoot } from "../core/tpm/measured-boot.ts";
import { pinned } from "./same.ts";

/** Limit of the reason why a disk key is not sealed. */
export const maxDiskKeyReason = 500;

const sha256 = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));
const digests = v.pipe(v.array(sha256), v.maxLength(100));

/** The schema of `MeasuredBoot`. */
export const measuredBoot = v.variant("kind", [
  v.object({ kind: v.literal("asWritten") }),
  v.object({ kind: v.literal("differs"), pcrs: v.pipe(v.array(v.picklist([8, 9])), v.maxLength(2)) }),
  v.object({ kind: v.literal("notMeasured") }),
]);
pinned<MeasuredBoot>()(measuredBoot);

/** The schema of `DiskKeyState`. */
export const diskKeyState = v.variant("kind", [
  v.object({ kind: v.literal("sealed") }),
  v.object({
    kind: v.literal("plain"),
    reason: v.pipe(v.string(), v.maxLength(maxDiskKeyReason)),
    // A cause of a newer version must not end its polls; the reason says the same.
    cause: v.exactOptional(v.fallback(v.picklist(agentPlainCauses), "failed")),
  }),
]);
pinned<DiskKeyState>()(diskKeyState);

/** The schema of `KeySealing`; a newer version's word says no more than that the key is not sealed yet. */
export const keySealing = v.fallback(v.picklist(["asked", ...birthPlainCauses]), "asked");
pinned<KeySealing>()(keySealing);

const stub = v.object({ options: sha256, initrds: sha256 });
const possibleBoot = v.object({ commands: digests, files: digests, stub: v.exactOptional(stub) });

/** /var/lib/birther/measured-boot.json. */
export const measuredBootRecord = v.object({
  written: v.array(v.object({ config: v.string(), boots: v.pipe(v.array(possibleBoot), v.maxLength(3)) })),
  judged: v.exactOptional(v.object({ bootId: v.string(), result: v.exactOptional(measuredBoot) })),
});
pinned<MeasuredBootRecord>()(measuredBootRecord);

/** What a clean is to erase, and what it has erased. */
import * as v from "valibot";
import { type EraseWish, sanitizeWishes } from "../../core/erasure/erase-wish.ts";
import { type DiskErasure, erasureMethods, mostErasureSteps } from "../../core/erasure/erasure.ts";
import { count, name, partsLimit } from "../bounded-values.ts";
import { pinned } from "../same.ts";
import { diskIdentity } from "./storage.ts";

/** core/erasure/erase-wish.ts */
export const eraseWish = pinned<EraseWish>()(
  v.object({
    sanitize: v.exactOptional(v.picklist(sanitizeWishes)),
    disks: v.exactOptional(v.pipe(v.array(diskIdentity), v.maxLength(partsLimit), v.readonly())),
  }),
);

/** As far as a date reaches (ECMA-262, 21.4.1.1). */
const timeMs = v.pipe(count, v.maxValue(8.64e15));

/** core/erasure/erasure.ts */
export const erasureStep = v.object({
  method: v.picklist(erasureMethods),
  what: name,
  found: count,
  startedAtMs: timeMs,
  endedAtMs: timeMs,
  verification: v.variant("kind", [
    v.object({ kind: v.literal("verified"), how: name }),
    v.object({ kind: v.literal("unverified"), reason: name }),
  ]),
});

export const erasedDisk = v.object({ path: name, serial: name, wwn: name, model: name, sizeBytes: count });

/** core/erasure/erasure.ts */
export const diskErasure = v.object({
  disk: erasedDisk,
  steps: v.pipe(v.array(erasureStep), v.minLength(1), v.maxLength(mostErasureSteps)),
});

pinned<DiskErasure>()(diskErasure);

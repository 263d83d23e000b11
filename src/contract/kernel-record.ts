/** /var/lib/birther/kernels.json: what a machine's agent knows of its kernels. */
import * as v from "valibot";
import type { KernelRecord } from "../core/image/boot/kernel-trial.ts";
import { pinned } from "./same.ts";

const kernel = v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/));
const text = v.pipe(v.string(), v.maxLength(1000));

/** The schema of `KernelRecord`. */
export const kernelRecord = v.object({
  required: v.exactOptional(kernel),
  derived: v.exactOptional(kernel),
  confirmed: v.exactOptional(kernel),
  trial: v.exactOptional(v.object({ kernel, attempts: v.pipe(v.number(), v.integer(), v.minValue(0)), bootId: text })),
  rejected: v.exactOptional(v.object({ kernel, reason: text })),
  unwritable: v.exactOptional(v.literal(true)),
});

pinned<KernelRecord>()(kernelRecord);

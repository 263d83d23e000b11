import * as v from "valibot";
import { kernelRecord } from "../../../contract/kernel-record.ts";
import { encodeUtf8 } from "../../../core/bytes/utf8.ts";
import { kernelInCommandLine } from "../../../core/image/boot/kernel-store.ts";
import type { KernelRecord } from "../../../core/image/boot/kernel-trial.ts";
import { makeDirectories, readTextIfThere, replaceBytes } from "../../beneath/files.ts";
import { readText } from "../../system/files.ts";
import { agentPaths } from "../paths.ts";

/** What the machine knows of its kernels; nothing if the record is missing or damaged. */
export function readKernelRecord(root: string): KernelRecord {
  const parsed = v.safeParse(kernelRecord, parseJson(readTextIfThere(root, agentPaths.kernelRecord)));
  return parsed.success ? parsed.output : {};
}

/** Replaces the record if it is another one; it is on the disk when this returns. */
export function saveKernelRecord(root: string, record: KernelRecord): void {
  const text = `${JSON.stringify(record)}\n`;
  if (readTextIfThere(root, agentPaths.kernelRecord) === text) return;
  makeDirectories(root, agentPaths.state);
  replaceBytes(root, agentPaths.kernelRecord, encodeUtf8(text));
}

/** The running kernel, by its directory on the boot partition; undefined if something else started it. */
export function runningKernel(): string | undefined {
  return kernelInCommandLine(readText("/proc/cmdline"));
}

/** The value in a state file; undefined if it is no JSON, an empty object if there is no file. */
export function parseJson(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? "{}");
  } catch {
    return undefined;
  }
}

import { hasModules, keepingModules } from "../../../core/image/boot/kept-modules.ts";
import type { Filter } from "../../../core/image/filter.ts";
import type { Tree } from "../../../core/image/tree.ts";
import { kernelRelease } from "../../system/kernel-release.ts";
import { runningKernel } from "./kernel-record.ts";

/**
 * Protects the modules of the running kernel, if the image does not have them and the boot partition started it: after its new
 * kernel is confirmed, the machine runs that one, and the old modules are a difference like any other.
 */
export function keepRunningModules(filter: Filter, image: Tree): Filter {
  if (runningKernel() === undefined) return filter;
  const version = kernelRelease();
  return hasModules(image, version) ? filter : keepingModules(filter, version);
}

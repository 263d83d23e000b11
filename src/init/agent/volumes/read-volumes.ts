import * as v from "valibot";
import { faultMessages, faultsOf } from "../../../contract/shape-faults.ts";
import { machineVolumes } from "../../../contract/volumes.ts";
import type { MachineVolumes } from "../../../core/install/machine-volumes.ts";
import { rootPaths } from "../../../core/install/paths.ts";
import { exists, readText } from "../../beneath/files.ts";

/** The volumes of this machine beside its root; none if its birth has made none. Throws an error that says what is invalid. */
export function readVolumes(root: string): MachineVolumes {
  const path = rootPaths.volumes;
  if (!exists(root, path)) return { volumes: [] };
  const parsed = v.safeParse(machineVolumes, JSON.parse(readText(root, path)), faultMessages);
  if (!parsed.success) throw new Error(`${path}: ${faultsOf(parsed.issues, "volumes")}`);
  return parsed.output;
}

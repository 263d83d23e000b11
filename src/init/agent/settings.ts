import * as v from "valibot";
import { type SubSettings, subSettings } from "../../contract/sub.ts";
import { readText } from "../system/files.ts";
import { agentPaths } from "./paths.ts";

/** Reads /etc/birther/sub.json; throws an error that says what is invalid. */
export function readSubSettings(root: string): SubSettings {
  const path = `${root}${agentPaths.settings}`;
  const parsed = v.safeParse(subSettings, JSON.parse(readText(path)));
  if (!parsed.success) throw new Error(`${path}: ${JSON.stringify(v.flatten(parsed.issues))}`);
  return parsed.output;
}

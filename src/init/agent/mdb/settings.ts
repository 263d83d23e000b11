import * as v from "valibot";
import { faultMessages, faultsOf } from "../../../contract/shape-faults.ts";
import { type SubSettings, subSettings } from "../../../contract/sub.ts";
import { parseEndpoint } from "../../../core/net/endpoint.ts";
import { formatIpv4 } from "../../../core/net/ipv4.ts";
import { readText } from "../../beneath/files.ts";
import { agentPaths } from "../paths.ts";

/** Reads /etc/birther/sub.json; throws an error that says what is invalid. */
export function readSubSettings(root: string): SubSettings {
  const path = agentPaths.settings;
  const parsed = v.safeParse(subSettings, JSON.parse(readText(root, path)), faultMessages);
  if (!parsed.success) throw new Error(`${path}: ${faultsOf(parsed.issues, "settings")}`);
  return parsed.output;
}

/** Reads ADDRESS:PORT of the settings; throws if it is invalid. */
export function endpointOf(text: string): { readonly address: string; readonly port: number } {
  const parsed = parseEndpoint(text);
  if (parsed === undefined) throw new Error(`sub.json: expected ADDRESS:PORT, found ${text}`);
  return { address: formatIpv4(parsed.address), port: parsed.port };
}

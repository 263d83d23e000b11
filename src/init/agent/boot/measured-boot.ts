import * as host from "host";
import * as v from "valibot";
import { measuredBootRecord } from "../../../contract/measured-boot.ts";
import { encodeUtf8 } from "../../../core/bytes/utf8.ts";
import {
  type GrubPcrs,
  judgeBoot,
  type MeasuredBootRecord,
  type PossibleBoot,
  possibleBoots,
} from "../../../core/image/boot/measured-boot.ts";
import type { MeasuredBoot } from "../../../core/tpm/measured-boot.ts";
import { makeDirectories, readTextIfThere, replaceBytes } from "../../beneath/files.ts";
import { messageOf } from "../../birth/stop.ts";
import { exists, readText } from "../../system/files.ts";
import { sha256 } from "../../system/sha256.ts";
import { sha512Text } from "../../system/sha512.ts";
import { agentPaths } from "../paths.ts";
import { isPidOne } from "../pid-one.ts";
import { bootId } from "../state.ts";
import type { SubContext } from "../sub-context.ts";
import { parseJson } from "./kernel-record.ts";

/** Linux 5.12 and later shows the PCRs of a TPM 2.0 here. */
const pcrs = "/sys/class/tpm/tpm0/pcr-sha256";

/** The configuration that the boot partition holds, or is about to hold. */
type Written = { readonly config: string; readonly candidate: string | undefined };

/**
 * Records what the next boot will measure if the boot partition holds this configuration: before it is written as a second
 * possibility, so that a power cut finds the machine with either; afterwards as the only one. Does nothing on machines without TPM 2.0.
 */
export function expectMeasurements(
  context: SubContext,
  partition: string,
  { config, candidate, when }: Written & { readonly when: "before" | "after" },
): void {
  if (context.settings.firmware === "bios" || !exists(pcrs)) return;
  const record = readRecord(context.root);
  const name = sha512Text(config);
  const known = record.written.find((each) => each.config === name);
  const next = known ?? { config: name, boots: bootsOf(context, partition, { config, candidate }) };
  const others = when === "before" ? record.written.filter((each) => each !== known).slice(-1) : [];
  saveRecord(context.root, { ...record, written: [...others, next] });
}

/** None if they cannot be computed; the next boot is then not judged. */
function bootsOf({ log }: SubContext, partition: string, { config, candidate }: Written): readonly PossibleBoot[] {
  const digests = new Map<string, string>();
  const fileSha256 = (path: string) => {
    const known = digests.get(path) ?? host.sha256File(`${partition}${path}`);
    digests.set(path, known);
    return known;
  };
  try {
    const boots = possibleBoots({ config, candidate, fileSha256 }, sha256);
    if (!("unknown" in boots)) return boots;
    log("warn", "the measurements of the next boot are not known", { line: boots.unknown });
  } catch (error) {
    log("warn", "the measurements of the next boot are not known", { fault: messageOf(error) });
  }
  return [];
}

/**
 * Compares what the TPM holds with what was expected of this boot; once a boot, because the boot partition changes under a running
 * system. Undefined if nothing was expected.
 */
export function judgeThisBoot({ root, log }: Pick<SubContext, "root" | "log">): MeasuredBoot | undefined {
  if (isPidOne()) return undefined;
  const found = readPcrs();
  if (found === undefined) return undefined;
  const record = readRecord(root);
  const id = bootId();
  if (record.judged?.bootId === id) return record.judged.result;
  const possible = record.written.flatMap(({ boots }) => boots);
  const result = possible.length === 0 ? undefined : judgeBoot(possible, found, sha256);
  if (result?.kind === "differs")
    log("warn", "this boot measured other values than the boot partition should give", { pcrs: result.pcrs });
  saveRecord(root, { ...record, judged: { bootId: id, ...(result === undefined ? {} : { result }) } });
  return result;
}

function readPcrs(): GrubPcrs | undefined {
  if (!exists(pcrs)) return undefined;
  const [pcr8 = "", pcr9 = ""] = [8, 9].map((number) => readText(`${pcrs}/${number}`).trim().toLowerCase());
  return { pcr8, pcr9 };
}

function readRecord(root: string): MeasuredBootRecord {
  const parsed = v.safeParse(measuredBootRecord, parseJson(readTextIfThere(root, agentPaths.measuredBoot)));
  return parsed.success ? parsed.output : { written: [] };
}

function saveRecord(root: string, record: MeasuredBootRecord): void {
  const text = `${JSON.stringify(record)}\n`;
  if (readTextIfThere(root, agentPaths.measuredBoot) === text) return;
  makeDirectories(root, agentPaths.state);
  replaceBytes(root, agentPaths.measuredBoot, encodeUtf8(text));
}

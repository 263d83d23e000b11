import * as host from "host";
import * as v from "valibot";
import { measuredBootRecord } from "../../../contract/measured-boot.ts";
import { encodeUtf8 } from "../../../core/bytes/utf8.ts";
import {
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
import type { SubContext } from "../sub-context.ts";
import { bootId } from "../update/state.ts";
import { parseJson } from "./kernel-record.ts";

/** Linux 5.12 and later shows the PCRs of a TPM 2.0 here. */
export const pcrs = "/sys/class/tpm/tpm0/pcr-sha256";

/** The configuration that the boot partition holds, or is about to hold in place of the texts `replaces`. */
type Written = {
  readonly config: string;
  readonly candidate: string | undefined;
  readonly replaces?: readonly string[];
};

/**
 * Records what the next boot will measure if the boot partition holds this configuration: before it is written beside what the present
 * one measures, so that a power cut finds the machine with either; afterwards alone. Does nothing on machines without TPM 2.0. Never
 * throws: a kernel must not wait for its measurements.
 */
export function expectMeasurements(context: SubContext, partition: string, written: Written): void {
  if (context.settings.firmware === "bios" || !exists(pcrs)) return;
  try {
    const record = readRecord(context.root);
    const name = sha512Text(written.config);
    const present = (written.replaces ?? []).map(sha512Text);
    const known = record.written.find(({ config }) => config === name);
    const next = known ?? { config: name, boots: bootsOf(context, partition, written) };
    const others = record.written.filter(({ config }) => present.includes(config) && config !== name);
    saveRecord(context.root, { ...record, written: [...others, next] });
  } catch (error) {
    context.log("warn", "the measurements of the next boot were not recorded", { fault: messageOf(error) });
  }
}

/** The boots that the boot partition can lead to; undefined if those of one of its configurations are not known. */
export function expectedBoots(root: string): readonly PossibleBoot[] | undefined {
  const { written } = readRecord(root);
  const isKnown = written.length > 0 && written.every(({ boots }) => boots.length > 0);
  return isKnown ? written.flatMap(({ boots }) => boots) : undefined;
}

/** The same, if the configurations with these texts are among them. */
export function expectedBootsWith(root: string, configs: readonly string[]): readonly PossibleBoot[] | undefined {
  const { written } = readRecord(root);
  const isThere = configs.every((text) => written.some(({ config }) => config === sha512Text(text)));
  return isThere ? expectedBoots(root) : undefined;
}

/** None if they are not known; the boot is then not judged. */
function bootsOf({ log }: SubContext, partition: string, { config, candidate }: Written): readonly PossibleBoot[] {
  const digests = new Map<string, string>();
  const fileSha256 = (path: string) => {
    const known = digests.get(path) ?? host.sha256File(`${partition}${path}`);
    digests.set(path, known);
    return known;
  };
  const joinedSha256 = ([first = "", second, ...others]: readonly string[]) => {
    if (others.length > 0) throw new Error(`initrds: expected one or two, found ${others.length + 2}`);
    return second === undefined
      ? fileSha256(first)
      : host.sha256TwoFiles(`${partition}${first}`, `${partition}${second}`);
  };
  const boots = possibleBoots({ config, candidate, fileSha256, joinedSha256 }, sha256);
  if (!("unknown" in boots)) return boots;
  log("warn", "the measurements of the next boot are not known", { line: boots.unknown });
  return [];
}

/**
 * Compares what the TPM holds with what was expected of this boot; once a boot, because the boot partition changes under a running
 * system. Undefined if nothing was expected. Never throws: a machine with a broken TPM polls all the same.
 */
export function judgeThisBoot({ root, log }: Pick<SubContext, "root" | "log">): MeasuredBoot | undefined {
  if (isPidOne() || !exists(pcrs)) return undefined;
  try {
    const record = readRecord(root);
    const id = bootId();
    if (record.judged?.bootId === id) return record.judged.result;
    const result = judge(record);
    if (result?.kind === "differs")
      log("warn", "this boot measured other values than the boot partition should give", { pcrs: result.pcrs });
    saveRecord(root, { ...record, judged: { bootId: id, ...(result === undefined ? {} : { result }) } });
    return result;
  } catch (error) {
    log("warn", "what this boot measured is not known", { fault: messageOf(error) });
    return undefined;
  }
}

function judge({ written }: MeasuredBootRecord): MeasuredBoot | undefined {
  if (written.length === 0 || written.some(({ boots }) => boots.length === 0)) return undefined;
  const [pcr8 = "", pcr9 = ""] = [8, 9].map((number) => readText(`${pcrs}/${number}`).trim().toLowerCase());
  const possible = written.flatMap(({ boots }) => boots);
  return judgeBoot(possible, { pcr8, pcr9 }, sha256);
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

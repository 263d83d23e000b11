import * as v from "valibot";
import { paths } from "../../contract/machine-facing.ts";
import { directive, maxSubMessageBytes, type SubOutcome, type SubPoll } from "../../contract/sub.ts";
import { agentProtocol } from "../../core/image/filter.ts";
import type { Directive, SubReport } from "../../core/image/update/directive.ts";
import { readText } from "../system/files.ts";
import { openHttps } from "../system/https.ts";
import { agentPaths } from "./paths.ts";
import { isPidOne } from "./pid-one.ts";
import { freeBytes } from "./scan.ts";
import { endpointOf } from "./settings.ts";
import { isRebootPending, readPatchedImage } from "./state.ts";
import type { SubContext } from "./sub-context.ts";

/** The contract's limit; failures beyond it are not worth a refused poll. */
const maxLogLines = 200;

/** What a poll reports of the latest scan and of the latest directive. */
export type Progress = Pick<SubReport, "tree" | "objects" | "comparison"> & {
  readonly secondsSinceCheck: number;
  readonly outcome?: SubOutcome;
};

/** Asks the Dominator for a directive; throws if there is no valid answer. */
export type Poll = (progress: Progress) => Directive;

/** Polls over one connection, which is opened at the first poll. */
export function openPoll({ root, settings, takeLines }: SubContext): Poll {
  const mdb = openHttps({
    ...endpointOf(settings.mdb),
    caPem: readText(`${root}${agentPaths.caCertificate}`),
    serverName: settings.serverName,
    maxAnswerBytes: maxSubMessageBytes,
  });
  const kernel = readText("/proc/sys/kernel/osrelease").trim();
  const running = isPidOne() ? "birth" : "image";
  /** Lines that the MDB has not accepted yet. */
  let unsent: readonly string[] = [];

  return (progress) => {
    const patchedImage = readPatchedImage(root);
    unsent = [...unsent, ...takeLines()].slice(-maxLogLines);
    const request: SubPoll = {
      protocol: agentProtocol,
      machineId: settings.machineId,
      running,
      kernel,
      ...(patchedImage === undefined ? {} : { patchedImage }),
      rebootPending: isRebootPending(root),
      freeBytes: freeBytes(root),
      ...progress,
      ...(unsent.length === 0 ? {} : { log: unsent }),
    };
    const { status, body, retryAfterSeconds } = mdb.post(paths.subPoll, request, settings.token);
    // A poll that the server cannot read would be refused again.
    if (status === 400) unsent = [];
    if (status !== 200) {
      const reason = `poll: expected status 200, found ${status}: ${JSON.stringify(body)}`;
      throw Object.assign(new Error(reason), { retryAfterSeconds });
    }
    unsent = [];
    return parseDirective(body);
  };
}

function parseDirective(body: unknown): Directive {
  const parsed = v.safeParse(directive, body);
  if (parsed.success) return parsed.output;
  const found = JSON.stringify(v.flatten(parsed.issues)).slice(0, 1000);
  throw new Error(`poll: expected a directive of the contract, found ${found}`);
}

import type { Context } from "hono";
import type { BodyOf, OperatorRoute, QueryOf } from "../../contract/operator/routes.ts";
import type { SessionLink } from "../../contract/operator/session.ts";
import type { ImageDetails, ImageView, NetworkView, PacketView } from "../../contract/operator/views.ts";
import type { BlastRadius } from "../../core/fleet/blast-radius.ts";
import { similarNames } from "../../core/fleet/similar-names.ts";
import type { Collected } from "../../core/image/catalogue/collected.ts";
import type { ImageContents } from "../../core/image/catalogue/contents.ts";
import type { ImageDifference } from "../../core/image/catalogue/image-difference.ts";
import type { DeadlineRules } from "../../core/machine/health/stall-detection.ts";
import { nameOf } from "../../core/machine/life/move.ts";
import type { LogLine } from "../../core/machine/log-line.ts";
import type { Machine, MachineId } from "../../core/machine/record.ts";
import { refuseUnreadable } from "../../core/machine/unreadable-record.ts";
import type { Clock, Log, Store } from "../../core/ports.ts";
import type { PlannedSlot } from "../../core/site/site-plan.ts";
import type { Exports } from "../exports/exports.ts";
import { refusalAnswer } from "../http/problem.ts";
import type { Models } from "../models.ts";
import { forEachInTurns, inTurns } from "../turns.ts";
import type { Backup } from "./backup-stream.ts";
import type { OperatorEnv } from "./caller/authenticate.ts";
import type { Caller } from "./caller/caller.ts";
import type { Sessions } from "./caller/sessions.ts";
import type { Tokens } from "./caller/tokens.ts";

/** What system images consist of; main supplies it from the Dominator. Names are those of existing images. */
export type ImageCatalogue = {
  /** Undefined if this server does not have the image. */
  readonly contents: (name: string) => Promise<(ImageContents & Pick<ImageDetails, "shared">) | undefined>;
  readonly difference: (from: string, to: string) => Promise<ImageDifference | undefined>;
  /** Removes an image for good, here and on the other servers of the database. */
  readonly remove: (name: string, by: string) => Promise<void>;
  /** Removes the contents on this server that nothing needs; with `isDryRun`, says what would go. */
  readonly collect: (isDryRun: boolean) => Promise<Collected>;
  /** Whether the image rules of the configuration name exactly this version. */
  readonly isInRules: (name: string) => boolean;
};

export type OperatorDeps = DeadlineRules & {
  readonly store: Store;
  /** The spreads of the models, the same that the machines' API compares with. */
  readonly models: Models;
  readonly clock: Clock;
  readonly log: Log;
  readonly version: string;
  readonly blastRadius: BlastRadius;
  readonly tokens: Tokens;
  readonly sessions: Sessions;
  /** Where browsers find the dashboard. */
  readonly dashboardAddress?: () => Promise<Pick<SessionLink, "bases" | "fingerprint">>;
  /** The Dominator's system images. */
  readonly images: () => Promise<readonly ImageView[]>;
  /** What the images consist of. */
  readonly catalogue: ImageCatalogue;
  /** Ends the feeds of all watchers, before the server closes their connections; never if undefined. */
  readonly ending?: AbortSignal | undefined;
  /** What the Boot Server has seen: its networks, and the last packets of a machine. */
  readonly networks: () => readonly NetworkView[];
  readonly packetsOf: (id: MachineId) => readonly PacketView[];
  /** The log lines of a machine that other servers of the database keep; undefined if there are none. */
  readonly otherLogs?:
    | ((id: MachineId) => Promise<{ readonly lines: readonly LogLine[]; readonly unreached: readonly string[] }>)
    | undefined;
  /** The slots that the configuration expects; empty without a section `site`. */
  readonly plan?: readonly PlannedSlot[];
  /** Writes into the audit what other processes did to the files of the state directory; absent without one. */
  readonly takeActs?: () => Promise<void>;
  /** The exports for other tools. */
  readonly exports: Exports;
  /** The whole MDB as a file. */
  readonly backup: () => Promise<Backup>;
};

/** A request of one route, authenticated and parsed. */
export type RouteRequest<R extends OperatorRoute> = {
  readonly c: Context<OperatorEnv>;
  readonly deps: OperatorDeps;
  readonly query: QueryOf<R>;
  readonly body: BodyOf<R>;
  readonly caller: Caller;
};

/** Handles the requests of one route. */
export type Handler<R extends OperatorRoute> = (request: RouteRequest<R>) => Response | Promise<Response>;

/** Handlers of some routes; app.ts combines them, and a missing one does not compile. */
export type Handlers<R extends OperatorRoute> = { readonly [K in R]: Handler<K> };

/** Continues with the machine that `:name` names, or answers with similar names. */
export async function withMachine(
  { c, deps }: Pick<RouteRequest<OperatorRoute>, "c" | "deps">,
  then: (machine: Machine) => Response | Promise<Response>,
): Promise<Response> {
  const name = c.req.param("name") ?? "";
  const machine = deps.store.find(name);
  if (machine !== undefined) return await then(machine);
  const key = name.toLowerCase();
  const record = deps.store
    .unreadable()
    .find(({ id, claims }) => id === key || claims.some((claim) => claim.slice(claim.indexOf(" ") + 1) === key));
  if (record !== undefined) return refusalAnswer(c, refuseUnreadable(record));
  const near = await namesLike(name, deps.store);
  const known = near.length === 0 ? "" : `; similar names: ${near.join(", ")}`;
  return refusalAnswer(c, {
    kind: "noSuchMachine",
    message: `no machine has the name, id, address or MAC address ${name.slice(0, 100)}${known}`,
    next: "to list all machines, run birther machines",
  });
}

/** The names that are most like this one; if there are none, some that begin as it does. */
async function namesLike(name: string, store: OperatorDeps["store"]): Promise<readonly string[]> {
  const machines = [...store.list()];
  const near = await inTurns(similarNames(name, namesOf(machines), namesShown));
  if (near.length > 0) return near;
  const alike: string[] = [];
  await forEachInTurns(machines, (other) => {
    if (alike.length < namesShown && nameOf(other).startsWith(name.slice(0, 3))) alike.push(nameOf(other));
  });
  return alike;
}

function* namesOf(machines: readonly Machine[]): Generator<string> {
  for (const machine of machines) yield nameOf(machine);
}

const namesShown = 5;

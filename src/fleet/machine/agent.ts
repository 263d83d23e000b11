import * as v from "valibot";
import { paths } from "../../contract/machine/paths.ts";
import { directive, type SubOutcome, type SubPoll } from "../../contract/sub.ts";
import { isOfServer } from "../../core/birth/retry.ts";
import { decideLoneSub } from "../../core/birth/unreachable-mdb.ts";
import { agentProtocol } from "../../core/image/filter.ts";
import { scanPauseSeconds } from "../../core/image/update/scan-pause.ts";
import type { Script } from "../engine/script.ts";
import type { Chassis, Installed, World } from "../world.ts";
import { fetchImage, serveOn } from "./fetch.ts";
import { serversAt, turnToNext } from "./servers.ts";
import { ask, occupy, sleep, work } from "./waits.ts";

const retryMs = 5000;
const freeBytes = 900_000_000_000;
const agentVersion = "00".repeat(16);

/** What an agent remembers between two polls. */
type Memory = {
  readonly beganMs: number;
  running: "birth" | "image";
  checkedMs: number;
  outcome: SubOutcome | undefined;
  hasTree: boolean;
  /** The contents in its cache. */
  objects: readonly string[];
  /** What it fetched for its next update. */
  fetchedBytes: number;
  scans: number;
  rebootPending: boolean;
  /** SHA-512 of the manifest with which it has compared its system. */
  comparedWith: string | undefined;
};

/** The agent's turns (src/init/agent/mdb/session.ts), until it restarts the machine. */
export function* runAgent(world: World, machine: Chassis, running: "birth" | "image"): Script {
  const { disk } = machine;
  if (disk === undefined) return;
  // Another program than init: it connects anew.
  machine.connection = undefined;
  const beganMs = world.agenda.nowMs();
  const memory: Memory = {
    ...{ beganMs, running, checkedMs: beganMs, outcome: undefined, hasTree: false, objects: [], fetchedBytes: 0 },
    ...{ scans: 0, rebootPending: false, comparedWith: undefined },
  };
  let answered = false;
  for (;;) {
    const request = { path: paths.subPoll, body: JSON.stringify(pollOf(world, disk, memory)), bearer: disk.credential };
    const answer = yield* ask(world, machine, disk.server, request);
    if (answer?.status !== 200) {
      if (answer !== undefined) world.note(machine, `poll: ${answer.status} ${answer.body.slice(0, 80)}`);
      const elapsedMs = world.agenda.nowMs() - beganMs;
      const lone = decideLoneSub({ canGoBack: running === "birth", answered, elapsedMs });
      if (lone.kind === "restart") return;
      if (answer === undefined || isOfServer(answer.status)) turnToNext(disk);
      yield* sleep(world, Math.max(retryMs, (answer?.retryAfterSeconds ?? 0) * 1000));
      continue;
    }
    answered = true;
    memory.outcome = undefined;
    const order = v.parse(directive, JSON.parse(answer.body));
    if (order.kind === "wait" && order.mdbs !== undefined) disk.servers = serversAt(world, order.mdbs);
    const seconds = yield* obey(world, machine, { disk, memory, order });
    if (seconds === "restart") return;
    const isIdle = running === "image" && order.kind === "wait" && order.upToDate === true;
    if (isIdle) yield* pollAlike(world, machine, seconds * 1000);
    if (seconds > 0) yield* sleep(world, seconds * 1000);
  }
}

/** After this time, a poll is carried out in any case. */
const alikeMs = 600_000;

/**
 * Polls of a machine that runs its image, all of which find the same: they keep their server busy when they come, but are not carried out.
 * A server that is dead by then is noticed with the next poll.
 */
function* pollAlike(world: World, machine: Chassis, pauseMs: number): Script {
  const { agenda, servers, parameters, idlePolls } = world;
  const alike = Math.min(idlePolls, Math.floor(alikeMs / pauseMs));
  for (let left = alike - 1; left > 0; left -= 1) {
    yield* sleep(world, pauseMs);
    const { connection } = machine;
    const own = connection === undefined ? undefined : servers[connection.server];
    if (connection === undefined || own?.port === undefined || world.cutRacks.has(machine.rack)) return;
    connection.usedMs = agenda.nowMs();
    occupy(world, own, parameters.serverRequest);
    // Each poll is noted in the record.
    for (const slot of servers)
      if (servers.length > 1 && slot.port !== undefined) occupy(world, slot, parameters.serverShares);
  }
}

function pollOf({ agenda, compare = foundSame }: World, disk: Installed, memory: Memory): SubPoll {
  const { running, outcome, hasTree, objects, rebootPending, checkedMs, comparedWith: manifest } = memory;
  return {
    ...{ protocol: agentProtocol, machineId: disk.id, running, kernel: "6.12.0", rebootPending, freeBytes },
    secondsSinceCheck: Math.floor((agenda.nowMs() - checkedMs) / 1000),
    agent: { version: disk.agentVersion ?? agentVersion },
    ...(disk.image === undefined ? {} : { patchedImage: disk.image }),
    ...(hasTree ? { tree: { inodes: [], entries: [] }, objects } : {}),
    ...(manifest === undefined ? {} : { comparison: compare(disk.image, { manifest, objects }) }),
    ...(outcome === undefined ? {} : { outcome }),
  };
}

/** No user changes a simulated machine: its tree is that of its image. */
const foundSame: NonNullable<World["compare"]> = (_running, { manifest }) => ({
  manifest,
  assessment: {
    ...{ entries: 1000, lacks: [], steps: 0, removed: 0, missing: { objects: 0, bytes: 0, diskBytes: 0 } },
    ...{ kernelChanged: false, blocked: [] },
  },
  plan: { steps: [], missing: [] },
});

type Order = v.InferOutput<typeof directive>;

/** Carries out a directive; the seconds until the next poll. */
function* obey(
  world: World,
  machine: Chassis,
  { disk, memory, order }: { readonly disk: Installed; readonly memory: Memory; readonly order: Order },
): Script<number | "restart"> {
  const { agenda } = world;
  const beganMs = agenda.nowMs();
  const did = (kind: Order["kind"]) => {
    const durationMs = Math.round(agenda.nowMs() - beganMs);
    memory.outcome = { kind: "done", directive: kind, durationMs, detail: `${kind} done` };
  };
  memory.scans = order.kind === "report" || order.kind === "compare" ? memory.scans + 1 : 0;
  switch (order.kind) {
    case "wait":
      memory.hasTree = false;
      memory.comparedWith = undefined;
      return order.seconds;
    case "report":
      yield* work(world, "scanTree");
      memory.hasTree = true;
      memory.checkedMs = agenda.nowMs();
      did("report");
      return scanPauseSeconds(memory.scans);
    case "fetch": {
      world.note(machine, `fetch: ${order.objects.length} contents`);
      const totalBytes = order.objects.reduce((sum, { size }) => sum + size, 0);
      const isWhole = yield* fetchImage(world, machine, { disk, totalBytes, mirror: mirrorOf(order) });
      if (!isWhole) return 0;
      // What it had for the version before may be of use for this one.
      memory.objects = [...new Set([...memory.objects, ...order.objects.map(({ sha512 }) => sha512)])];
      memory.fetchedBytes = totalBytes;
      did("fetch");
      return 0;
    }
    case "update":
      yield* place(world, machine, { disk, memory });
      disk.image = order.image;
      memory.rebootPending = order.kernelChanged;
      memory.hasTree = false;
      memory.comparedWith = undefined;
      memory.objects = [];
      did("update");
      return 0;
    case "reboot":
      stopServing(machine);
      world.note(machine, `restarts into ${order.image}`);
      yield* work(world, "shutdown");
      return "restart";
    case "compare":
      yield* work(world, "scanTree");
      memory.checkedMs = agenda.nowMs();
      memory.comparedWith = order.manifest.sha512;
      did("compare");
      return scanPauseSeconds(memory.scans);
    case "upgradeAgent":
      disk.agentVersion = order.version;
      return 0;
    case "trust":
      did(order.kind);
      return 0;
  }
}

/** Places the image: a newborn serves on meanwhile, and says so now and then (src/init/agent/update/update-serving.ts). */
function* place(
  world: World,
  machine: Chassis,
  { disk, memory }: { readonly disk: Installed; readonly memory: Memory },
): Script {
  if (memory.running !== "birth") stopServing(machine);
  for (let leftMs = world.parameters.place; leftMs > 0; ) {
    const { fetchedBytes } = memory;
    const sayAgainMs = machine.serves === undefined ? leftMs : yield* serveOn(world, machine, { disk, fetchedBytes });
    const ms = Math.min(leftMs, sayAgainMs);
    yield* work(world, "place", ms);
    leftMs -= ms;
  }
}

/** The first source that a directive names, if it is a mirror: the own server is what an agent asks otherwise. */
function mirrorOf({ sources = [] }: Extract<Order, { kind: "fetch" }>): string | undefined {
  const [first] = sources;
  return first?.address === undefined ? undefined : `${first.address}:${first.port}`;
}

/** What was fetched goes into the system: nobody gets it from here any more. */
export function stopServing(machine: Chassis): void {
  const { serves } = machine;
  machine.serves = undefined;
  for (const lost of serves?.lost ?? []) lost();
}

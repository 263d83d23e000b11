import * as v from "valibot";
import { type FetchTurnRequest, fetchTurn } from "../../contract/fetch-turn.ts";
import { paths } from "../../contract/machine/paths.ts";
import { isOfServer } from "../../core/birth/retry.ts";
import { agentProtocol } from "../../core/image/filter.ts";
import type { Script } from "../engine/script.ts";
import { askMirror } from "../network/mirrors.ts";
import type { Chassis, Installed, World } from "../world.ts";
import { diskRate } from "./disk-rate.ts";
import { turnToNext } from "./servers.ts";
import { ask, sleep, type TransferEnd, transfer } from "./waits.ts";

const retryMs = 5000;
/** A peer without a connection, and one that sends nothing (docs/images.md). */
const silentMs = 3000;
/** A peer that lies is known after the first batch. */
const batchBytes = 64 << 20;
const peerPort = 4001;

type Fetch = { readonly disk: Installed; readonly totalBytes: number; readonly mirror: string | undefined };

/** Asks for the turn, and fetches from whom the answer names, until all is there; false if it is to poll instead. */
export function* fetchImage(world: World, machine: Chassis, { disk, totalBytes, mirror }: Fetch): Script<boolean> {
  const serves = { doneBytes: 0, totalBytes, lost: new Set<() => void>() };
  machine.serves = serves;
  let failedPeers: string[] = [];
  while (serves.doneBytes < totalBytes) {
    const request: FetchTurnRequest = {
      ...{ protocol: agentProtocol, machineId: disk.id, totalBytes, doneBytes: Math.floor(serves.doneBytes) },
      ...(world.peers ? { peerPort, failedPeers } : {}),
    };
    const asked = { path: paths.fetchTurn, body: JSON.stringify(request), bearer: disk.credential };
    const answer = yield* ask(world, machine, disk.server, asked);
    if (answer === undefined || isOfServer(answer.status)) turnToNext(disk);
    if (answer?.status !== 200) {
      if (answer !== undefined && answer.status < 500 && answer.status !== 429) return false;
      yield* sleep(world, Math.max(retryMs, (answer?.retryAfterSeconds ?? 0) * 1000));
      continue;
    }
    failedPeers = [];
    const turn = v.parse(fetchTurn, JSON.parse(answer.body));
    if (turn.kind === "abandon") return false;
    if (turn.kind === "wait") {
      yield* sleep(world, turn.seconds * 1000);
      continue;
    }
    const mostMs = turn.reportSeconds * 1000;
    const [source] = turn.sources ?? [];
    if (source === undefined) yield* fromServer(world, machine, { disk, totalBytes, mostMs, mirror });
    else {
      const end = yield* fromPeer(world, machine, { id: source.machineId, totalBytes, mostMs });
      if (end === "done" || end === "time") continue;
      failedPeers = [source.machineId];
      const name = world.machinesById.get(source.machineId)?.disk?.hostname ?? source.machineId;
      world.note(machine, `fetch: nothing ${end === "lost" ? "more " : ""}from ${name}`);
    }
  }
  return true;
}

/** After a failure (src/init/agent/objects/fetch-turn.ts). */
const failureMs = 60_000;

/** Says that a machine that has everything serves on; the milliseconds after which it says so again. */
export function* serveOn(
  world: World,
  machine: Chassis,
  { disk, fetchedBytes }: { readonly disk: Installed; readonly fetchedBytes: number },
): Script<number> {
  const request: FetchTurnRequest = {
    ...{ protocol: agentProtocol, machineId: disk.id, totalBytes: fetchedBytes, doneBytes: fetchedBytes },
    ...(world.peers ? { peerPort } : {}),
  };
  const asked = { path: paths.fetchTurn, body: JSON.stringify(request), bearer: disk.credential };
  const answer = yield* ask(world, machine, disk.server, asked);
  if (answer?.status !== 200) return failureMs;
  const turn = v.parse(fetchTurn, JSON.parse(answer.body));
  return turn.kind === "go" ? turn.reportSeconds * 1000 : Number.POSITIVE_INFINITY;
}

function limitOf({ parameters }: World, machine: Chassis): number {
  return Math.min(parameters.agentFetch, diskRate(parameters.diskWrite, machine));
}

type Part = { readonly totalBytes: number; readonly mostMs: number };

function* fromServer(
  world: World,
  machine: Chassis,
  { disk, totalBytes, mostMs, mirror }: Part & Pick<Fetch, "disk" | "mirror">,
): Script {
  const { serves } = machine;
  if (serves === undefined) return;
  if (world.servers[disk.server]?.port === undefined) {
    turnToNext(disk);
    yield* sleep(world, retryMs);
    return;
  }
  const found = mirror === undefined ? undefined : askMirror(world, mirror, { totalBytes, server: disk.server });
  const links =
    found === undefined
      ? world.wires.fromServer(disk.server, machine, "images")
      : world.wires.fromMirror(found.cable, machine);
  yield* transfer(world, {
    links,
    bytes: totalBytes,
    ...(found === undefined ? {} : { source: found.has }),
    progress: serves,
    limit: limitOf(world, machine),
    work: "agentFetch",
    mostMs,
  });
}

function* fromPeer(
  world: World,
  machine: Chassis,
  { id, totalBytes, mostMs }: Part & { readonly id: string },
): Script<TransferEnd | "nothing"> {
  const { serves } = machine;
  const peer = world.machinesById.get(id);
  const source = peer?.serves;
  if (peer === undefined || source === undefined || serves === undefined) {
    yield* sleep(world, silentMs);
    return "nothing";
  }
  if (serves.doneBytes >= source.totalBytes) {
    // An update fetches only what differs; a newborn needs more than such a machine has.
    yield* sleep(world, silentMs);
    return "nothing";
  }
  if (peer.fault === "lyingPeer") {
    yield* sleep(world, (batchBytes / limitOf(world, machine)) * 1000);
    return "nothing";
  }
  return yield* transfer(world, {
    links: world.wires.between(peer, machine),
    bytes: Math.min(totalBytes, source.totalBytes),
    isFromMachine: true,
    ...{ limit: limitOf(world, machine), work: "agentFetch" as const, mostMs, progress: serves, source },
    lossOf: (lost) => {
      source.lost.add(lost);
      return () => source.lost.delete(lost);
    },
  });
}

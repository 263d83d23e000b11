import { workOn } from "../engine/host.ts";
import { type Script, until, type Wait } from "../engine/script.ts";
import type { Flow, Link, Progress } from "../network/flows.ts";
import type { ParameterName } from "../parameters.ts";
import type { MachineAnswer, MachineRequest } from "../ports.ts";
import type { Chassis, ServerSlot, World } from "../world.ts";

/** Waits for this time. */
export function* sleep({ agenda }: World, ms: number): Script {
  yield* until<void>((done) => agenda.after(ms, () => done()));
}

/**
 * Works for as long as a parameter says. A virtual machine shares the processors of its host, and takes longer while others work, too.
 */
export function* work(world: World, name: ParameterName, ms: number = world.parameters[name]): Script {
  const { agenda, host } = world;
  if (host === undefined) {
    yield* sleep(world, ms);
    return;
  }
  yield* until<void>((done) => workOn({ agenda, host }, { ms, demand: host.demandOf(name) }, () => done()));
}

/** Waits for ever, as a machine that hangs. */
export function* hang(): Script {
  yield* until<void>(() => undefined);
}

/** Lets a server work for this long, after what came before; then acts if it still runs. */
export function onServer(world: World, slot: ServerSlot, cpuMs: number, act: () => void): void {
  const { agenda } = world;
  const { port } = slot;
  if (port === undefined) return;
  occupy(world, slot, cpuMs);
  agenda.after(slot.busyUntilMs - agenda.nowMs(), () => {
    if (slot.port === port) act();
  });
}

/** The same for a packet or a boot script, which waits for those before it, but at most a turn of the event loop for anything else. */
export function firstOnServer(world: World, slot: ServerSlot, cpuMs: number, act: () => void): void {
  const { agenda, parameters } = world;
  const now = agenda.nowMs();
  const { port } = slot;
  if (port === undefined) return;
  const turnEndsMs = now + Math.min(parameters.serverTurn, Math.max(0, slot.busyUntilMs - now));
  slot.packetsUntilMs = Math.max(turnEndsMs, slot.packetsUntilMs) + cpuMs;
  occupy(world, slot, cpuMs);
  agenda.after(slot.packetsUntilMs - now, () => {
    if (slot.port === port) act();
  });
}

/** Keeps the thread of a server that answers busy, for nobody who waits for it. */
export function occupy({ agenda }: Pick<World, "agenda">, slot: ServerSlot, cpuMs: number): void {
  slot.busyUntilMs = Math.max(agenda.nowMs(), slot.busyUntilMs) + cpuMs;
  slot.cpuMs += cpuMs;
}

const answerMs = 30_000;
const refusedMs = 1000;
/** How long the server keeps a connection without requests (src/mdb/tls/server.ts). */
const keptMs = 75_000;

/** The answer of a server, or nothing: it is dead, or died meanwhile. */
export function* ask(
  world: World,
  machine: Chassis,
  nth: number,
  request: MachineRequest,
): Script<MachineAnswer | undefined> {
  const slot = world.servers[nth] as ServerSlot;
  const { latency, serverHandshake, serverRequest } = world.parameters;
  const { agenda, measures } = world;
  const beganMs = agenda.nowMs();
  if (slot.port === undefined || world.cutRacks.has(machine.rack)) {
    yield* sleep(world, refusedMs);
    return undefined;
  }
  const known = machine.connection;
  const isKept = known?.server === nth && beganMs - known.usedMs < keptMs;
  const cpuMs = serverRequest + (isKept ? 0 : serverHandshake);
  const answer = yield* until<MachineAnswer | undefined>((done) => {
    const stop = agenda.after(answerMs, () => done(undefined));
    agenda.after(latency * (isKept ? 1 : 3), () =>
      onServer(world, slot, cpuMs, () => {
        void slot.port?.ask(request).then((found) => {
          agenda.after(latency, () => {
            stop();
            done(found);
          });
        });
      }),
    );
    return stop;
  });
  machine.connection = answer === undefined ? undefined : { server: nth, usedMs: agenda.nowMs() };
  if (answer !== undefined) measures.request(request.path, agenda.nowMs() - beganMs);
  return answer;
}

/** How a transfer ended. */
export type TransferEnd = "done" | "time" | "lost";

/** Transfers bytes over links until all are there, time is over, or the other end is gone. */
export function* transfer(
  world: World,
  of: {
    readonly links: readonly Link[];
    readonly bytes: number;
    readonly limit: number;
    /** The work that it is for the machine, at this limit. */
    readonly work?: ParameterName;
    /** Whether another machine sends, and works for it, too. */
    readonly isFromMachine?: boolean;
    /** Where its progress is kept; one that begins anew if it is left out. */
    readonly progress?: Progress;
    readonly source?: Readonly<Progress>;
    readonly mostMs?: number;
    /** Called with the function that ends it as lost. */
    readonly lossOf?: (lost: () => void) => () => void;
  },
): Script<TransferEnd> {
  const { agenda, flows } = world;
  const flow: Omit<Flow, "rate"> = {
    ...{ links: of.links, limitBytesPerMs: of.limit / 1000, totalBytes: of.bytes, source: of.source },
    progress: of.progress ?? { doneBytes: 0 },
    finished: () => end("done"),
  };
  let end: (how: TransferEnd) => void = () => {};
  const wait: Wait<TransferEnd> = (done) => {
    const undo: (() => void)[] = [];
    const all = () => {
      for (const one of undo.splice(0)) one();
    };
    end = (how) => {
      all();
      done(how);
    };
    const { stop, limitTo } = flows.start(flow);
    undo.push(stop);
    undo.push(...joinHost(world, { ...of, bytesPerMs: flow.limitBytesPerMs, limitTo }));
    if (of.mostMs !== undefined) undo.push(agenda.after(of.mostMs, () => end("time")));
    if (of.lossOf !== undefined) undo.push(of.lossOf(() => end("lost")));
    return all;
  };
  return yield* until(wait);
}

const bytesPerMega = 1e6;

/** The work of a transfer for virtual machines, at both ends: the slower one sets its rate. Returns what ends it. */
function joinHost(
  { host, parameters }: World,
  of: {
    readonly links: readonly Link[];
    readonly work?: ParameterName;
    readonly isFromMachine?: boolean;
    readonly bytesPerMs: number;
    readonly limitTo: (bytesPerMs: number) => void;
  },
): readonly (() => void)[] {
  const { links, work: takes, isFromMachine = false, bytesPerMs, limitTo } = of;
  if (host === undefined || takes === undefined) return [];
  // What a narrower link lets through keeps the processors less busy.
  const part = Math.min(1, ...links.map((link) => link.bytesPerMs / bytesPerMs));
  const demands = [host.demandOf(takes)];
  if (isFromMachine) demands.push((bytesPerMs / bytesPerMega) * parameters.peerSendsCpu);
  const paces = demands.map(() => 1);
  return demands.map((demand, nth) =>
    host.join(demand * part, (pace) => {
      paces[nth] = pace;
      limitTo(bytesPerMs * Math.min(...paces));
    }),
  );
}

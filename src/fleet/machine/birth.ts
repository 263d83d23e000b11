import * as v from "valibot";
import { withAddressText } from "../../contract/address-text.ts";
import { orderAnswer } from "../../contract/machine/order.ts";
import { paths } from "../../contract/machine/paths.ts";
import { healthyAnswer } from "../../contract/machine/report.ts";
import { birthProtocol, type OrderAnswer } from "../../core/birth/order-answer.ts";
import { judgeBurnIn, type Measurement } from "../../core/burn-in/judge.ts";
import { identityOf } from "../../core/hardware/disk-identity.ts";
import type { BurnInReport, Hardware } from "../../core/hardware/hardware.ts";
import { neighbourBy } from "../../core/lldp/neighbour.ts";
import { formatEndpoint } from "../../core/net/endpoint.ts";
import { formatIpv4 } from "../../core/net/ipv4.ts";
import { chooseImage } from "../../core/site/choose-image.ts";
import { placeAmong } from "../../core/site/place.ts";
import type { Placement } from "../../core/site/placement.ts";
import type { Script } from "../engine/script.ts";
import type { Chassis, World } from "../world.ts";
import { runAgent } from "./agent.ts";
import { diskRate } from "./disk-rate.ts";
import { serversAt } from "./servers.ts";
import { talk } from "./talk.ts";
import { sleep, work } from "./waits.ts";

/** The step that failed and why, as init reports it. */
type Failure = { readonly step: string; readonly reason: string; readonly conflict?: true };
type Birth = { readonly order: OrderAnswer; readonly servers: number[]; readonly retrySeconds: number };

/** What init does from the order to the agent, in its order (src/init/birth/birth.ts); returns when the machine restarts. */
export function* beBorn(
  world: World,
  machine: Chassis,
  boot: { readonly server: number; readonly token: string },
): Script {
  const taken = yield* takeOrder(world, machine, boot);
  if (taken === undefined) {
    yield* sleep(world, 30_000);
    return;
  }
  const { order } = taken;
  world.note(machine, `order: ${order.action}, generation ${order.generation}`);
  const failure = yield* order.action === "resume" ? resume(world, machine, taken) : install(world, machine, taken);
  if (failure === undefined) {
    yield* runAgent(world, machine, "birth");
    return;
  }
  if (failure === "reset") return;
  machine.failure = `${failure.step}: ${failure.reason}`;
  world.note(machine, machine.failure);
  yield* report(world, machine, taken, [{ kind: "failed", ...failure }]);
  yield* sleep(world, order.retrySeconds * 1000);
}

function* takeOrder(
  world: World,
  machine: Chassis,
  { server, token }: { readonly server: number; readonly token: string },
): Script<Birth | undefined> {
  const bootId = `boot-${Math.floor(machine.chance.next() * 2 ** 32).toString(16)}`;
  const body = { protocol: birthProtocol, token, mac: machine.mac, bootId, firmware: "uefi", tpm: { kind: "none" } };
  const answer = yield* talk(world, machine, { servers: [server], path: paths.order, body });
  if (answer.kind === "refused") {
    machine.failure = `order refused: ${answer.reason}`;
    world.note(machine, machine.failure);
    return undefined;
  }
  const order = v.parse(orderAnswer, answer.body);
  const servers = [server, ...serversAt(world, (order.otherMdbs ?? []).map(formatEndpoint))];
  return { order, servers, retrySeconds: order.retrySeconds };
}

function* report(
  world: World,
  machine: Chassis,
  { order, servers }: Birth,
  items: readonly unknown[],
): Script<Failure | undefined> {
  const answer = yield* talk(world, machine, { servers, path: paths.report, body: { items }, bearer: order.session });
  return answer.kind === "answered" ? undefined : { step: "report to the MDB", reason: answer.reason };
}

/** Reports a phase that took until now. */
function* reach(
  world: World,
  machine: Chassis,
  birth: Birth,
  of: {
    readonly phase: string;
    readonly sinceMs: number;
    readonly detail: string;
    readonly items?: readonly unknown[];
  },
): Script<Failure | undefined> {
  const durationMs = Math.round(world.agenda.nowMs() - of.sinceMs);
  const phase = { kind: "phase", phase: of.phase, durationMs, detail: of.detail };
  return yield* report(world, machine, birth, [...(of.items ?? []), phase]);
}

function* install(world: World, machine: Chassis, birth: Birth): Script<Failure | "reset" | undefined> {
  const { order } = birth;
  const { agenda } = world;
  const beganMs = agenda.nowMs();
  const hardware = hardwareOf(machine);
  const steps = {
    initUp: () => reach(world, machine, birth, { phase: "initUp", sinceMs: beganMs, detail: `${order.action}, uefi` }),
    hardware: () => report(world, machine, birth, [{ kind: "hardware", hardware }]),
  };
  let fault = yield* steps.initUp();
  if (fault !== undefined) return fault;
  yield* work(world, "scan");
  fault = yield* steps.hardware();
  if (fault !== undefined) return fault;

  const burnIn = yield* burnInOf(world, machine, birth);
  if (burnIn === "reset" || "step" in burnIn) return burnIn;
  const placed = yield* findPlace(world, machine, birth, { beganMs, hardware });
  if ("step" in placed) return placed;
  const image = chooseImage(order.imageRules, hardware, burnIn.verdict);
  if (image.kind === "none") return { step: "choose the image", reason: image.reason };
  return yield* writeDisk(world, machine, birth, { placement: placed, hardware, image: image.image });
}

/** The burn-in's deadline, after which the hardware resets a machine that hangs (core/burn-in/plan.ts). */
const watchdogMs = 120_000;

function* burnInOf(world: World, machine: Chassis, birth: Birth): Script<BurnInReport | Failure | "reset"> {
  const beganMs = world.agenda.nowMs();
  const { order } = birth;
  const isClean = order.action === "clean";
  if (!isClean) {
    yield* work(world, "burnIn");
    if (machine.fault === "hangsOnce" && machine.faultCount === 0) {
      machine.faultCount = 1;
      world.note(machine, "fault: hangs in its burn-in");
      yield* sleep(world, watchdogMs);
      return "reset";
    }
  }
  const verdict = judgeBurnIn(isClean ? [] : measurementsOf(world, machine), order.burnIn);
  const fault = yield* reach(world, machine, birth, {
    phase: "burnIn",
    sinceMs: beganMs,
    detail: verdict.verdict,
    items: [{ kind: "burnIn", report: verdict }],
  });
  return fault ?? verdict;
}

function measurementsOf({ parameters }: World, machine: Chassis): readonly Measurement[] {
  const mebibytesPerSecond = Math.round(diskRate(parameters.diskWrite, machine) / 2 ** 20);
  const fault = machine.fault === "lyingDisk" ? "expected what was written, found other bytes at 4096" : "";
  return [
    { test: "cpu", subject: "64 CPUs", durationMs: 1000, figures: { hashesPerSecond: 1_000_000 }, fault: "" },
    {
      test: "disk",
      subject: diskPath,
      durationMs: 1000,
      figures: { writeMiBps: mebibytesPerSecond, readMiBps: mebibytesPerSecond },
      fault,
    },
  ];
}

/**
 * Pauses of init that no hardware shortens, in milliseconds: a second announcement may contradict the first, and another host may
 * have the address (src/init/device).
 */
const pauses = { contradiction: 1000, addressProbe: 1000 } as const;

/** The switch has announced itself during the burn-in, or is waited for. */
function* findPlace(
  world: World,
  machine: Chassis,
  birth: Birth,
  { beganMs, hardware }: { readonly beganMs: number; readonly hardware: Hardware },
): Script<Placement | Failure> {
  const { order } = birth;
  const { agenda, parameters } = world;
  const announcedMs = beganMs + machine.chance.between(0, parameters.lldp);
  yield* sleep(world, Math.max(0, announcedMs - agenda.nowMs()) + pauses.contradiction);
  const { switchName, port } = machine.neighbour;
  const neighbours = [neighbourBy(switchName, { portIdKind: "interfaceName", portId: port, portDescription: port })];
  const heard = yield* report(world, machine, birth, [{ kind: "neighbours", neighbours }]);
  if (heard !== undefined) return heard;
  const result = placeAmong(order.placementRules, neighbours);
  if (result.kind === "unplaced") {
    const conflict = result.conflict === true ? { conflict: true as const } : {};
    return { step: "compute the place", reason: result.reason, ...conflict };
  }
  const { placement } = result;
  const sinceMs = agenda.nowMs();
  yield* sleep(world, pauses.addressProbe);
  const [disk] = hardware.disks;
  const rootDisk = disk === undefined ? {} : { rootDisk: identityOf(disk) };
  const detail = `${placement.hostname} ${formatIpv4(placement.address)}`;
  const items = [{ kind: "placed", placement: withAddressText(placement), ...rootDisk }];
  const fault = yield* reach(world, machine, birth, { phase: "placed", sinceMs, detail, items });
  return fault ?? placement;
}

function* writeDisk(
  world: World,
  machine: Chassis,
  birth: Birth,
  of: { readonly placement: Placement; readonly hardware: Hardware; readonly image: string },
): Script<Failure | undefined> {
  const { order, servers } = birth;
  const { agenda } = world;
  const { placement, hardware, image } = of;
  guardDisk(world, machine, order);
  let sinceMs = agenda.nowMs();
  delete machine.disk;
  for (const [phase, name] of [
    ["keysMade", "keys"],
    ["partitioned", "partition"],
    ["populated", "populate"],
  ] as const) {
    yield* work(world, name);
    const fault = yield* reach(world, machine, birth, { phase, sinceMs, detail: phase });
    if (fault !== undefined) return fault;
    sinceMs = agenda.nowMs();
  }
  const { generation } = order;
  const [disk] = hardware.disks.map(identityOf);
  const storage = {
    rootDisk: { ...disk, why: "the only disk", recognition: { kind: "identity" } },
    disks: hardware.disks.map(identityOf),
    encryption: { kind: "luks2", keyIn: "uefi-variable" },
  };
  const body = { generation, image, placement: withAddressText(placement), storage };
  const answer = yield* talk(world, machine, { servers, path: paths.healthy, body, bearer: order.session });
  if (answer.kind === "refused") return { step: "ask to be healthy", reason: answer.reason };
  const { subToken } = v.parse(healthyAnswer, answer.body);
  const { mdb, otherMdbs = [] } = order.permanent;
  const agents = serversAt(world, [mdb, ...otherMdbs].map(formatEndpoint));
  machine.disk = {
    id: order.machineId,
    hostname: placement.hostname,
    generation,
    credential: subToken,
    server: agents[0] ?? servers[0] ?? 0,
    servers: agents,
  };
  world.machinesById.set(order.machineId, machine);
  delete machine.failure;
  world.note(machine, `healthy as ${placement.hostname}`);
  yield* report(world, machine, birth, [{ kind: "phase", phase: "handedOver" }]);
  return undefined;
}

/** No order but a rebirth or a clean may take a system that has run; a birth that was cut off may be repeated. */
function guardDisk(world: World, machine: Chassis, order: OrderAnswer): void {
  const { disk } = machine;
  if (disk?.image === undefined) return;
  if (order.action === "rebirth" || order.action === "clean") return;
  world.broken(`an order for ${order.action} erases the system of ${disk.hostname}, which nobody asked for`, machine);
}

function* resume(world: World, machine: Chassis, birth: Birth): Script<Failure | undefined> {
  const { order, servers } = birth;
  const { disk } = machine;
  if (disk === undefined || disk.id !== order.machineId)
    return { step: "find the root disk", reason: "the root disk on record is not there" };
  const answer = yield* talk(world, machine, { servers, path: paths.resume, body: {}, bearer: order.session });
  if (answer.kind === "refused") return { step: "ask to resume", reason: answer.reason };
  disk.credential = v.parse(healthyAnswer, answer.body).subToken;
  return undefined;
}

const diskPath = "/dev/nvme0n1";

function hardwareOf({ mac, serial }: Chassis): Hardware {
  return {
    ...{ cpus: 64, cpuModel: "simulated", memoryMiB: 262_144, firmware: "uefi", secureBoot: false, tpm: false },
    ...{ bootTrust: "wire-trusted", watchdog: "iTCO_wdt" },
    disks: [
      {
        ...{ path: diskPath, model: "simulated", serial: `disk-${serial}`, wwn: "", sizeBytes: 960_197_124_096 },
        ...{ rotational: false, removable: false, bus: "nvme", sectorBytes: 512, contents: [] },
      },
    ],
    nics: [
      { name: "eth0", mac, driver: "mlx5_core", speedMbps: 25_000, carrier: true, path: "pci0000:00/0000:00:02.0" },
    ],
    smbios: {
      vendor: "Simulated",
      product: "Server",
      serial,
      uuid: `00000000-0000-4000-8000-${serial.padStart(12, "0")}`,
    },
  };
}

/**
 * The machines of bench/arrival: those of the simulator, in real time, on a real wire. Firmware, burn-in and disks take no
 * time, and of the image no byte is fetched; everything that the server answers is asked for.
 */

import { createSocket } from "node:dgram";
import { readFileSync } from "node:fs";
import { get } from "node:http";
import { Agent, request } from "node:https";
import { paths } from "../src/contract/machine-facing.ts";
import type { Mac } from "../src/core/net/mac.ts";
import type { Agenda } from "../src/fleet/engine/agenda.ts";
import { chanceFrom } from "../src/fleet/engine/chance.ts";
import { run } from "../src/fleet/engine/script.ts";
import { live } from "../src/fleet/machine/firmware.ts";
import { buildMachines } from "../src/fleet/machines.ts";
import { openFlows } from "../src/fleet/network/flows.ts";
import { layWires } from "../src/fleet/network/wires.ts";
import { parameterNames, parametersWith } from "../src/fleet/parameters.ts";
import type { MachineRequest, ServerPort } from "../src/fleet/ports.ts";
import { openMeasures, percentilesOf } from "../src/fleet/report/measures.ts";
import type { World } from "../src/fleet/world.ts";
import { siteNames } from "../src/main/simulate/config.ts";
import { server } from "./arrival-site.ts";
import { fetchByTftp } from "./arrival-tftp.ts";

const [count = 0, perSecond = 0, limitSeconds = 0] = process.argv.slice(2, 5).map(Number);
const caPem = readFileSync(process.argv[5] ?? "", "utf8");
const perRack = 40;

const agenda: Agenda = {
  nowMs: () => performance.now(),
  after: (ms, act) => {
    if (ms <= 0) {
      const soon = setImmediate(act);
      return () => clearImmediate(soon);
    }
    const timer = setTimeout(act, ms);
    return () => clearTimeout(timer);
  },
  step: () => false,
  events: () => 0,
};
const measures = openMeasures();
const upAtMs = new Map<string, number>();
const faults = new Map<string, number>();
const failed = (what: string) => void faults.set(what, (faults.get(what) ?? 0) + 1);
const startedMs: number[] = [];

/** The relay of all machines. */
const relay = createSocket({ type: "udp4", recvBufferSize: 8 << 20 });
const waiting = new Map<number, (bytes: Uint8Array) => void>();
const xidOf = (bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).readUInt32BE(4);
relay.on("message", (bytes) => waiting.get(xidOf(bytes))?.(bytes));
await new Promise<void>((resolve) => relay.bind(67, server.router, resolve));

const agents = new Map<string, Agent>();
function agentOf(id: string): Agent {
  const known = agents.get(id) ?? new Agent({ keepAlive: true, maxSockets: 1, maxCachedSessions: 0 });
  agents.set(id, known);
  return known;
}

function ask({ path, body, bearer }: MachineRequest): ReturnType<ServerPort["ask"]> {
  const isSub = path.startsWith("/sub/");
  const id = bearer?.split(".")[0] ?? `m-${(JSON.parse(body) as { readonly mac: string }).mac.replace(/:/g, "")}`;
  const agent = agentOf(`${id} ${isSub ? "agent" : "init"}`);
  const headers = {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(body),
    ...(bearer && { authorization: `Bearer ${bearer}` }),
  };
  return new Promise((resolve) => {
    const lost = (error: Error) => {
      failed(`${path}: ${error.message.slice(0, 60)}`);
      resolve({ status: 503, body: "{}" });
    };
    const host = isSub ? server.permanent : server.temporary;
    const sent = request({
      host,
      port: 443,
      path,
      method: "POST",
      ca: caPem,
      servername: "birther",
      agent,
      headers,
      timeout: 60_000,
    });
    sent.on("error", lost);
    sent.on("response", (response) => {
      const pieces: Buffer[] = [];
      response.on("data", (piece: Buffer) => pieces.push(piece));
      response.on("error", lost);
      response.on("end", () => {
        const text = Buffer.concat(pieces).toString();
        if (path === paths.healthy && response.statusCode === 200) {
          agent.destroy();
          agents.delete(`${id} init`);
        }
        if (path === paths.subPoll && text.includes('"upToDate":true') && !upAtMs.has(id))
          upAtMs.set(id, agenda.nowMs());
        const retryAfter = response.headers["retry-after"];
        resolve({
          status: response.statusCode ?? 0,
          body: text,
          retryAfterSeconds: retryAfter === undefined ? undefined : Number(retryAfter),
        });
      });
    });
    sent.end(body);
  });
}

/** A whole text, or the first bytes of a file, from a machine's own address. */
function fetchText(path: string, localAddress: string, range?: string): Promise<string | undefined> {
  const beganMs = agenda.nowMs();
  return new Promise((resolve) => {
    const lost = (error: Error) => {
      failed(`GET: ${error.message.slice(0, 60)}`);
      resolve(undefined);
    };
    const headers = { "user-agent": "iPXE/1.21.1", ...(range === undefined ? {} : { range }) };
    get({ host: server.temporary, path, localAddress, headers, agent: false }, (response) => {
      const pieces: Buffer[] = [];
      response.on("data", (piece: Buffer) => pieces.push(piece));
      response.on("error", lost);
      response.on("end", () => {
        measures.request(range === undefined ? "boot script" : "part of a boot file", agenda.nowMs() - beganMs);
        resolve(
          response.statusCode === 200 || response.statusCode === 206 ? Buffer.concat(pieces).toString() : undefined,
        );
      });
    }).on("error", lost);
  });
}

const relayAt = { hops: 3, giaddr: 24 } as const;
const port: ServerPort = {
  store: { byMac: () => undefined, get: () => undefined, list: () => [] },
  dhcp: ({ bytes }, answer) => {
    const forwarded = Buffer.from(bytes);
    forwarded[relayAt.hops] = 1;
    for (const [at, part] of server.router.split(".").entries()) forwarded[relayAt.giaddr + at] = Number(part);
    const xid = xidOf(forwarded);
    waiting.set(xid, answer);
    setTimeout(() => waiting.delete(xid), 40_000).unref();
    relay.send(forwarded, 67, server.temporary);
  },
  script: (mac: Mac, address) => fetchText(`/boot/${mac.replace(/:/g, "-")}.ipxe`, address),
  loaderSent: (address, file) => {
    const beganMs = agenda.nowMs();
    void fetchByTftp({ server: server.temporary, address, file }).then(
      () => measures.request("loader by TFTP", agenda.nowMs() - beganMs),
      (error: Error) => failed(`TFTP: ${error.message}`),
    );
  },
  askFile: (address, path) => {
    void fetchText(path, address, "bytes=0-65535");
    return { kind: "admitted" };
  },
  fileSent: () => {},
  ask,
  kill: () => {},
};

const atOnce = Object.fromEntries(
  parameterNames
    .filter((name) =>
      /^(firmware|loaderStart|kernelStart|scan|lldp|burnIn|partition|populate|scanTree|place|shutdown|systemStart|latency|server(Dhcp|Script|Handshake|Request))/.test(
        name,
      ),
    )
    .map((name) => [name, 0]),
);
const fast = {
  machineLink: 1e15,
  rackUplink: 1e15,
  serverLink: 1e15,
  serverSendsImages: 1e15,
  serverSendsBoot: 1e15,
  tftpRate: 1e15,
  agentFetch: 1e15,
  diskWrite: 1e15,
};
const parameters = parametersWith({ ...atOnce, ...fast });
const racks = Math.ceil(count / perRack);
const machines = buildMachines(
  {
    racks,
    machines: perRack,
    servers: 1,
    parameters,
    powerOn: { kind: "atOnce" },
    failShare: 0,
    faults: [],
    peers: false,
    seed: 1,
    limitMs: 0,
    ...siteNames,
  },
  ["racks"],
).slice(0, count);
const world: World = {
  ...{
    agenda,
    flows: openFlows(agenda),
    parameters,
    peers: false,
    measures,
    machinesById: new Map(),
    cutRacks: new Set<number>(),
  },
  wires: layWires({ servers: 1, racks, serverRate: 1e15, bootRate: 1e15, imageRate: 1e15, rackRate: 1e15 }),
  servers: [{ nth: 0, port, busyUntilMs: 0, cpuMs: 0 }],
  serverAt: () => 0,
  chance: chanceFrom(1),
  broken: (what) => failed(`BROKEN: ${what}`),
  note: (_machine, what) => {
    if (/refused|: expected|poll: (?!503)|no answer/.test(what)) failed(what.slice(0, 80));
  },
};
const beganMs = agenda.nowMs();
for (const [nth, machine] of machines.entries())
  agenda.after((nth / perSecond) * 1000, () => {
    startedMs[nth] = agenda.nowMs();
    machine.running = run(live(world, machine), () => failed("the life of a machine has ended"));
  });
while (upAtMs.size < count && agenda.nowMs() - beganMs < limitSeconds * 1000) {
  process.stderr.write(`${Math.round((agenda.nowMs() - beganMs) / 1000)} s: ${upAtMs.size} of ${count} are up\n`);
  await new Promise((resolve) => setTimeout(resolve, 5000));
}
const born = machines.flatMap(({ disk, nth }) => {
  const at = disk === undefined ? undefined : upAtMs.get(disk.id);
  return at === undefined ? [] : [{ at, tookMs: at - (startedMs[nth] ?? 0) }];
});
const ats = born.map(({ at }) => at).sort((one, other) => one - other);
// Without the first and the last tenth, in which not all of the wire is in use.
const [from, to] = [Math.floor(ats.length / 10), Math.ceil(ats.length * 0.9) - 1];
const sustained = (to - from) / (((ats[to] ?? 0) - (ats[from] ?? 0)) / 1000);
const { user, system } = process.cpuUsage();
process.stdout.write(
  `${JSON.stringify({
    ...{ machines: count, up: born.length, lost: count - born.length, offeredPerSecond: perSecond },
    birthsPerSecond: Math.round(sustained * 10) / 10,
    birthMs: percentilesOf(born.map(({ tookMs }) => tookMs)),
    requestsMs: Object.fromEntries(measures.requests()),
    unansweredDhcp: measures.unansweredDhcp(),
    loadCpuSeconds: (user + system) / 1e6,
    faults: Object.fromEntries(faults),
  })}\n`,
);
process.exit(0);

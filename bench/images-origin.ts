import { execFileSync, spawn } from "node:child_process";
import { randomFillSync } from "node:crypto";
import { once } from "node:events";
import { linkSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { writePackIndex } from "../src/core/image/pack-index.ts";
import { openOrigin } from "../src/dominator/origin/origin.ts";
import { sha512Of } from "../src/dominator/storage/sha512.ts";
import { say } from "./environment.ts";
import { prepareConfidential, startConfidentialOrigin, startMachinesPort } from "./images-confidential.ts";
import { peerEnvironment, peerProgram, preparePeers } from "./peers.ts";

/** How fast contents are sent, and the processor time of the server alone. */
type Figure = {
  readonly mbPerSecond: number;
  readonly cpuSecondsPerGigabyte: number;
  /** Of this process, which decides who may read what, and in a server answers DHCP. */
  readonly decider: {
    readonly cpuSecondsPerGigabyte: number;
    /** Of its event loop; on a busy computer, also the time that others ran. */
    readonly longestTurnMs: number;
  };
};
type Figures = { readonly [clients in `clients${number}`]: Figure };

const clients = [1, 64] as const;
const host = "127.0.0.1";
const ports = { origin: 18_188, ownProcess: 18_189, nginx: 18_190 } as const;
const tlsPorts = {
  ...{ confidential: 18_191, confidentialOwnProcess: 18_192, nginxTls: 18_193, machinesPort: 18_194 },
} as const;
const packBytes = 256 << 20;
/** The bytes that all clients of a turn fetch together. */
const turnBytes = 8 << 30;

type Server = AsyncDisposable & {
  readonly url: string;
  /** The process groups of the server. */
  readonly groups: readonly number[];
  readonly curlOptions?: string;
};

/**
 * Sends a pack to 1 and to 64 clients: the origin, its own process without nginx, and an nginx that has the pack as a file; and then the same
 * over TLS, the pack as one of a confidential image, also at the port for machines, whose server is this process.
 */
export async function measureOrigin(directory: string, quick: boolean): Promise<object> {
  await preparePeers(["nginx-light"], ["nginx"]);
  const place = join(directory, "origin");
  const packs = join(place, "objects/packs");
  mkdirSync(packs, { recursive: true });
  mkdirSync(join(place, "images"));
  const content = randomFillSync(Buffer.allocUnsafe(packBytes));
  const index = writePackIndex([{ sha512: sha512Of(content), offset: 0, size: packBytes }]);
  const name = sha512Of(index);
  writeFileSync(join(packs, name), content);
  writeFileSync(join(packs, `${name}.index`), index);

  const streams = join(place, "streams/compute/packs");
  mkdirSync(streams, { recursive: true });
  for (const file of [name, `${name}.index`]) linkSync(join(packs, file), join(streams, file));

  await using all = new AsyncDisposableStack();
  const closed = await prepareConfidential(place, host);
  const { curlOptions, tls } = closed;
  const started = async (start: () => Promise<AsyncDisposable>, port: number, path = `packs/${name}`) => {
    const others = new Set(childGroups());
    const server = all.use(await start());
    const groups = childGroups().filter((group) => !others.has(group));
    const url = `https://birther:${port}/${path}`;
    return { ...server, url, groups, curlOptions };
  };
  const nginx = peerProgram("nginx");
  const { confidential, confidentialOwnProcess, machinesPort } = tlsPorts;
  const object = `objects/${sha512Of(content)}`;
  const servers: { readonly [name in keyof typeof ports | keyof typeof tlsPorts]: Server } = {
    origin: all.use(await startOrigin(place, name, ports.origin, peerProgram("nginx"))),
    ownProcess: all.use(await startOrigin(place, name, ports.ownProcess, undefined)),
    nginx: all.use(await startNginx(place, name, ports.nginx)),
    confidential: await started(() => startConfidentialOrigin(closed, confidential, nginx), confidential),
    confidentialOwnProcess: await started(
      () => startConfidentialOrigin(closed, confidentialOwnProcess, undefined),
      confidentialOwnProcess,
    ),
    nginxTls: all.use(await startNginx(place, name, tlsPorts.nginxTls, { ...tls, curlOptions })),
    machinesPort: {
      ...(await started(() => startMachinesPort(closed, machinesPort), machinesPort, object)),
      groups: [],
    },
  };
  const best: { [server: string]: { [clients: string]: Figure } } = {};
  for (let turn = 0; turn < (quick ? 1 : 3); turn += 1)
    for (const [server, running] of Object.entries(servers))
      for (const count of clients) {
        const figure = await fetchWith(count, running, bytesOf(server as keyof typeof servers, quick));
        say(`${server}, clients: ${count}: ${JSON.stringify(figure)}`);
        best[server] = { ...best[server], [`clients${count}`]: better(best[server]?.[`clients${count}`], figure) };
      }
  const confidentialRatios = ratiosOf(best.confidential ?? {}, best.nginxTls ?? {});
  return { ...best, ratios: ratiosOf(best.origin ?? {}, best.nginx ?? {}), confidentialRatios };
}

/** The port for machines is so slow that it gets an eighth. */
function bytesOf(server: string, quick: boolean): number {
  return turnBytes / (quick ? 8 : 1) / (server === "machinesPort" ? 8 : 1);
}

function ratiosOf(ours: Figures, theirs: Figures): object {
  const round = (value: number) => Math.round(value * 100) / 100;
  return Object.fromEntries(
    Object.entries(ours).map(([count, figure]) => {
      const beside = theirs[count as keyof Figures] ?? figure;
      return [
        count,
        {
          speed: round(figure.mbPerSecond / beside.mbPerSecond),
          cpu: round(figure.cpuSecondsPerGigabyte / beside.cpuSecondsPerGigabyte),
        },
      ];
    }),
  );
}

function better(one: Figure | undefined, other: Figure): Figure {
  return one === undefined || other.mbPerSecond > one.mbPerSecond ? other : one;
}

/** This many curl processes fetch the pack again and again. */
async function fetchWith(count: number, { url, groups, curlOptions = "" }: Server, bytes: number): Promise<Figure> {
  const times = Math.max(1, Math.round(bytes / count / packBytes));
  // Each process fetches over one connection; --fail: an error page would be fast.
  const one = `curl -sS --fail ${curlOptions} -o /dev/null '${url}?[1-${times}]'`;
  const delay = monitorEventLoopDelay({ resolution: delayResolutionMs });
  delay.enable();
  const before = cpuSecondsOf(groups);
  const ownBefore = process.cpuUsage();
  const startMs = performance.now();
  const clients = spawn("bash", [
    "-c",
    `for i in $(seq ${count}); do ${one} & done; for job in $(jobs -p); do wait $job || exit 1; done`,
  ]);
  const [status] = await once(clients, "close");
  if (status !== 0) throw new Error(`${url}: expected all clients to get the pack, found status ${status}`);
  const seconds = (performance.now() - startMs) / 1000;
  delay.disable();
  const own = process.cpuUsage(ownBefore);
  const gigabytes = (count * times * packBytes) / 1e9;
  const perGigabyte = (cpuSeconds: number) => Math.round((cpuSeconds / gigabytes) * 1000) / 1000;
  return {
    mbPerSecond: Math.round((gigabytes * 1000) / seconds),
    cpuSecondsPerGigabyte: perGigabyte(cpuSecondsOf(groups) - before),
    decider: {
      cpuSecondsPerGigabyte: perGigabyte((own.user + own.system) / 1e6),
      longestTurnMs: Math.max(0, Math.round(delay.max / 1e6) - delayResolutionMs),
    },
  };
}

const delayResolutionMs = 1;

async function startOrigin(place: string, pack: string, port: number, nginx: string | undefined): Promise<Server> {
  const others = new Set(childGroups());
  const origin = await openOrigin({
    ...{ addresses: [host], port, objects: join(place, "objects"), images: join(place, "images"), nginx },
    ...{ directory: join(place, `run-${port}`), connectionsPerAddress: 256 },
    program: new URL("../src/main/server/origin-program.ts", import.meta.url),
    log: () => undefined,
  });
  return {
    url: `http://${host}:${port}/packs/${pack}`,
    groups: childGroups().filter((group) => !others.has(group)),
    [Symbol.asyncDispose]: () => origin[Symbol.asyncDispose]() as Promise<void>,
  };
}

async function startNginx(
  place: string,
  pack: string,
  port: number,
  tls?: { readonly certificate: string; readonly key: string; readonly curlOptions: string },
): Promise<Server> {
  const directory = join(place, `plain-${port}`);
  mkdirSync(directory);
  const certified = tls === undefined ? "" : ` ssl; ssl_certificate ${tls.certificate}; ssl_certificate_key ${tls.key}`;
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) => `${name}_temp_path ${name};`);
  writeFileSync(
    join(directory, "nginx.conf"),
    `daemon off; user root; worker_processes auto; pid nginx.pid; error_log stderr;
events { worker_connections 1024; }
http { sendfile on; tcp_nopush on; access_log off; ${temporary.join(" ")}
  server { listen ${host}:${port}${certified}; root ${join(place, "objects")}; } }\n`,
  );
  const child = spawn(peerProgram("nginx"), ["-p", `${directory}/`, "-e", "stderr", "-c", "nginx.conf"], {
    ...{ detached: true, stdio: "ignore", env: { ...process.env, ...peerEnvironment } },
  });
  const { curlOptions = "" } = tls ?? {};
  const url = tls === undefined ? `http://${host}:${port}/packs/${pack}` : `https://birther:${port}/packs/${pack}`;
  const patiently = "--head --retry 50 --retry-delay 1 --retry-connrefused --fail";
  execFileSync("bash", ["-c", `curl -sS ${patiently} ${curlOptions} '${url}'`]);
  return {
    ...{ url, groups: [child.pid ?? 0], curlOptions },
    [Symbol.asyncDispose]: async () => {
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.kill();
      await ended;
    },
  };
}

/** Fields of /proc/PID/stat after the name, which may contain spaces: state, parent, process group, … */
function statFields(): readonly (readonly string[])[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        return [readFileSync(`/proc/${pid}/stat`, "latin1").split(") ").at(-1)?.split(" ") ?? []];
      } catch {
        return [];
      }
    });
}

/** Process groups whose leaders this process started. */
function childGroups(): readonly number[] {
  return statFields().flatMap(([, parent, group]) => (Number(parent) === process.pid ? [Number(group)] : []));
}

const ticksPerSecond = 100;

function cpuSecondsOf(groups: readonly number[]): number {
  const own = statFields().filter(([, , group]) => groups.includes(Number(group)));
  return own.reduce((sum, fields) => sum + Number(fields[11]) + Number(fields[12]), 0) / ticksPerSecond;
}

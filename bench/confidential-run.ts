import { randomBytes } from "node:crypto";
import { parseArgs } from "node:util";
import { machineFilterLines } from "../src/core/image/filter.ts";
import { confidentialOrigin, publicOrigin } from "../tests/dominator/fixture-origin.ts";
import { type Sketch, startSubFixture } from "../tests/dominator/sub-fixture.ts";
import { say } from "./environment.ts";
import { peerProgram, preparePeers } from "./peers.ts";

const about = `What a confidential image costs: birther-agent fetches the same image over plain HTTP, over TLS
from the port for confidential images (nginx), and over TLS from the port for machines, as older agents do, in turn.

  --mib N       size of the image, half of it in files of 16 KiB (default 128)
  --rounds N    rounds; the fastest fetch of each kind counts (default 3)
`;

const { values } = parseArgs({
  options: {
    mib: { type: "string", default: "128" },
    rounds: { type: "string", default: "3" },
    help: { type: "boolean", default: false },
  },
});

const kinds = ["public", "confidential", "confidentialOverMachinesPort"] as const;
type Kind = (typeof kinds)[number];

const smallBytes = 16 << 10;
const largeBytes = 4 << 20;

/** The files of an image, with random contents. */
function sketchOf(mebibytes: number): Sketch {
  const half = (mebibytes << 20) / 2;
  const files: Record<string, string> = { "boot/vmlinuz-6": "kernel", "boot/initrd.img-6": "initrd" };
  const add = (name: string, count: number, bytes: number) => {
    for (let n = 0; n < count; n += 1) files[`usr/${name}/${n}`] = randomBytes(bytes / 2).toString("hex");
  };
  add("small", half / smallBytes, smallBytes);
  add("large", half / largeBytes, largeBytes);
  return files;
}

/** Milliseconds from the order to fetch until everything is fetched and verified. */
async function fetchMs(kind: Kind, sketch: Sketch): Promise<number> {
  await using fixture = await startSubFixture();
  if (kind === "public") await fixture.importSketch(sketch, machineFilterLines);
  else await fixture.requireImage((await fixture.importConfidential("compute", sketch)).name);
  await using origin = await (kind === "public" ? publicOrigin : confidentialOrigin)(fixture, peerProgram("nginx"));
  if (kind === "public") fixture.sources.push({ port: origin.port });
  if (kind === "confidential") fixture.confidentialServer.is = { port: origin.port, hasPacks: true };
  let fetchAtMs = 0;
  let updateAtMs = 0;
  fixture.beforeDirective("fetch", () => {
    fetchAtMs = performance.now();
  });
  fixture.beforeDirective("update", () => {
    updateAtMs = performance.now();
  });
  const { status, stdout, stderr } = await fixture.runAgent();
  if (status !== 0 || updateAtMs === 0) throw new Error(`${kind}: ${stdout}${stderr}`);
  return updateAtMs - fetchAtMs;
}

async function main(): Promise<void> {
  const sketch = sketchOf(Number(values.mib));
  await preparePeers(["nginx-light"], ["nginx"]);
  const best: { [kind in Kind]?: number } = {};
  for (let round = 1; round <= Number(values.rounds); round += 1)
    for (const kind of kinds) {
      const ms = await fetchMs(kind, sketch);
      best[kind] = Math.min(best[kind] ?? ms, ms);
      say(`round ${round}: ${kind}: ${ms.toFixed(0)} ms`);
    }
  const rate = (kind: Kind) => Math.round((Number(values.mib) * 1000) / (best[kind] ?? 1));
  const mebibytesPerSecond = Object.fromEntries(kinds.map((kind) => [kind, rate(kind)]));
  const ratio = Math.round((100 * rate("confidential")) / rate("public")) / 100;
  process.stdout.write(`${JSON.stringify({ mebibytes: Number(values.mib), mebibytesPerSecond, ratio })}\n`);
}

if (values.help) process.stdout.write(about);
else await main();

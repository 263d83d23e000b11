import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { testConfig } from "../../src/contract/config/testing/test-config.ts";
import type { Machine } from "../../src/core/machine/record.ts";
import type { Log } from "../../src/core/ports.ts";
import type { MachineSpec } from "../../src/lab/machine-spec.ts";
import { type Rack, startRack } from "../../src/lab/rack.ts";
import { demoConfig, demoSwitch } from "../../src/main/demo/plan.ts";
import { type DemoImages, prepareDemo } from "../../src/main/demo/prepare-demo.ts";
import { pathsIn } from "../../src/main/paths.ts";
import { prepareServer } from "../../src/main/server/prepare-server.ts";
import { type RunningServer, startServer } from "../../src/main/server/server.ts";
import { debian12 } from "../support/images-of-tests.ts";
import { waitFor } from "../support/inside-namespace.ts";

type ConfigChanges = Partial<ReturnType<typeof demoConfig>>;

/** A rack and its state directory; the test starts and stops the server. */
export type FaultyRack = AsyncDisposable & {
  readonly rack: Rack;
  /** Holds its state and disks, and files of the test; removed at the end. */
  readonly directory: string;
  readonly startServer: (changes?: ConfigChanges) => Promise<RunningServer>;
  /** The server's configuration; a test may change it before it starts the server. */
  readonly initramfsPath: string;
  /** The end of a machine's console, for failed assertions. */
  readonly console: (name: string) => Promise<string>;
  /** Waits until a machine's console has shown a text: a machine writes there after its report, and in its own time. */
  readonly consoleShows: (name: string, text: RegExp, seconds?: number) => Promise<void>;
};

/** An empty burn-in, because these births fail elsewhere. */
export const briefBurnIn = { cpuSeconds: 0, memoryPercent: 5, diskMiB: 1, networkMiB: 0 };

const silent = () => {};

/** With a Bootstrap Image, but without system images. */
export const withBootstrapImage = (directory: string, { suite, firmware }: Required<DemoImages> = debian12) =>
  prepareServer({ suite, firmware, stateDirectory: join(directory, "state"), log: silent });

/** With the demo's system images, too, so that machines come up; run tests/support/prepare-births.ts first. */
export const withSystemImages = (directory: string, images: DemoImages = debian12) =>
  prepareDemo(directory, { step: (_title, work) => work(silent) }, images);

/**
 * Builds a rack in the current namespace. The Bootstrap Image must have been built before, because that needs the outer
 * network.
 */
export async function faultyRack(
  machines: readonly MachineSpec[],
  log: Log = silent,
  prepare: (directory: string) => Promise<unknown> = (made) => withBootstrapImage(made),
): Promise<FaultyRack> {
  const directory = await mkdtemp(join(tmpdir(), "birther-faults-"));
  await using life = new AsyncDisposableStack();
  life.defer(() => rm(directory, { recursive: true, force: true }));
  const stateDirectory = join(directory, "state");
  await prepare(directory);
  const { bridge, name: switchName } = demoSwitch;
  const rack = life.use(
    await startRack({ machines, bridge, switchName, directory: join(directory, "rack"), log: silent }),
  );
  const kept = life.move();
  const shownBy = async (name: string) => {
    const path = rack.find(name)?.consoleLogPath;
    return path === undefined ? `no machine ${name}` : await readFile(path, "utf8");
  };
  const endOf = async (name: string) => (await shownBy(name)).slice(-4000);
  return {
    rack,
    directory,
    initramfsPath: pathsIn(stateDirectory).initramfs,
    startServer: (changes = {}) => {
      const base = demoConfig(stateDirectory);
      const placement = { ...base.placement, lldpSeconds: 5 };
      const config = testConfig({ ...base, burnIn: briefBurnIn, retrySeconds: 10, placement, ...changes });
      return startServer({ config, log });
    },
    console: endOf,
    consoleShows: (name, text, seconds = 300) =>
      waitFor(`the console of ${name} to show ${text}`, seconds, async () =>
        text.test(await shownBy(name)) ? true : undefined,
      )
        .then(() => {})
        .catch(async (cause) => {
          throw new Error(await endOf(name), { cause });
        }),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** The record of a rack's machine as soon as `holds` is true of it; the end of its console is the error if that takes too long. */
export function machineOnce(
  { rack, server }: { readonly rack: FaultyRack; readonly server: RunningServer },
  { name, mac }: Pick<MachineSpec, "name" | "mac">,
  {
    what,
    seconds,
    holds,
  }: { readonly what: string; readonly seconds: number; readonly holds: (of: Machine) => boolean },
): Promise<Machine> {
  return waitFor(what, seconds, () => {
    const found = server.store.byMac(mac);
    return found !== undefined && holds(found) ? found : undefined;
  }).catch(async (cause) => {
    throw new Error(await rack.console(name), { cause });
  });
}

/** The reason of a machine's condition, or undefined without the condition. */
export function reasonFor(
  machine: Machine | undefined,
  kind: Machine["conditions"][number]["kind"],
): string | undefined {
  return machine?.conditions.find((condition) => condition.kind === kind)?.reason;
}

import type { MachineView } from "../../src/contract/operator/views.ts";
import { waitFor } from "../support/inside-namespace.ts";
import type { Fault, Point } from "./points.ts";
import type { Rig } from "./rig.ts";

/** A site without power or network for this long. */
const outageSeconds = 60;
/** Seconds in which a machine gets to a point, and in which it comes up after the fault. */
const reachSeconds = 900;
const comeUpSeconds = 1800;

/** The life that is disturbed: what is saved before it, what an operator asks for then, and what it ends in. */
export type Life = {
  readonly title: string;
  /** The snapshot to start from. */
  readonly from: string;
  /** Switches the machine on and brings it to the life's start. */
  readonly begin: (rig: Rig) => Promise<void>;
  readonly generation: number;
  /** The image that runs in the end, by its whole name. */
  readonly image: string;
};

/** Whether the machine has come to where its life leads, with nothing left over. */
function hasArrived(machine: MachineView, { generation, image }: Life): boolean {
  const { state, phase, conditions, runningImage } = machine;
  return (
    state === "healthy" &&
    phase === "up" &&
    machine.generation === generation &&
    runningImage === image &&
    conditions.length === 0
  );
}

/**
 * Disturbs a life at a point and waits until the machine is up without a person. Throws what the record and the console
 * say if it does not get there.
 */
export async function disturb(rig: Rig, life: Life, point: Point, fault: Fault): Promise<void> {
  await rig.machine.kill();
  await rig.killServer();
  await rig.restore(life.from);
  await rig.startServer();
  await life.begin(rig);
  await reach(rig, point);
  switch (fault) {
    case "power":
      await rig.machine.kill();
      await rig.machine.powerOn();
      break;
    case "server":
      await rig.killServer();
      await rig.startServer();
      break;
    case "network":
      await rig.cutNetwork(outageSeconds);
      break;
  }
  await arrive(rig, life);
}

/** Waits until a machine gets to a point of its life. */
export async function reach(rig: Rig, { title, at, delayMs }: Point): Promise<void> {
  await waitFor(title, reachSeconds, async () => {
    const isThere = at.kind === "line" ? at.text.test(await rig.consoleTail()) : (await rig.view())?.phase === at.phase;
    return isThere ? true : undefined;
  });
  await new Promise((resolve) => setTimeout(resolve, delayMs));
}

/** Waits until the machine has arrived. */
export async function arrive(rig: Rig, life: Life): Promise<MachineView> {
  let last: MachineView | undefined;
  return await waitFor(`${life.title} to end in up`, comeUpSeconds, async () => {
    await new Promise((resolve) => setTimeout(resolve, 1000));
    last = (await rig.view()) ?? last;
    return last !== undefined && hasArrived(last, life) ? last : undefined;
  }).catch(async (cause) => {
    const { state, phase, generation, conditions, runningImage } = last ?? {};
    const record = JSON.stringify({ state, phase, generation, conditions, runningImage });
    throw new Error(`${record}\n${await rig.report()}`, { cause });
  });
}

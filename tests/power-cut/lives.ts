import type { Rig } from "./rig.ts";
import type { Life } from "./trial.ts";
import { arrive } from "./trial.ts";

const hostname = "r01u01";

/** A machine that nobody has seen, up to its first image. */
export const birth: Life = {
  title: "a birth with its first image",
  from: "new",
  begin: (rig) => rig.machine.powerOn(),
  generation: 1,
  image: "compute/1",
};

/** A machine that runs its image, at its start from the disk. */
const running: Life = { ...birth, title: "the start of the installed machine", from: "up" };

/** A rebirth or clean of the installed machine, with its first image. */
export function installation(action: "rebirth" | "clean"): Life {
  return {
    ...running,
    title: `a ${action} with its first image`,
    generation: 2,
    begin: async (rig) => {
      await rig.ask(action, { name: hostname, body: {} });
      await rig.machine.powerOn();
    },
  };
}

/** An update of the running machine to another version of its image. */
export function update(title: string, image: string): Life {
  return {
    ...running,
    title,
    image,
    begin: async (rig) => {
      await rig.machine.powerOn();
      await arrive(rig, running);
      await rig.ask("set", { name: hostname, body: { requiredImage: image } });
    },
  };
}

/** Makes the snapshot `up` from `new`: the installed machine after its first start from the disk. */
export async function makeInstalled(rig: Rig): Promise<void> {
  await rig.startServer();
  await birth.begin(rig);
  await arrive(rig, birth);
  await rig.machine.kill();
  await rig.killServer();
  await rig.save("up");
}

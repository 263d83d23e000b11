import type { MachineId } from "../machine/record.ts";
import { accusersLimit } from "./choose-sources.ts";
import type { Caller, Roster } from "./roster.ts";

/** As many machines of a rack serve the files of their systems. */
const seedsLimit = 4;

/** Machines that run an image and serve it, a few in each rack. */
export type Seeds = {
  /** A machine runs an image and can serve it; whether it is to. */
  readonly seed: (machine: Pick<Caller, "id" | "image" | "rack" | "endpoint" | "linkMbps">) => boolean;
  /** It is no seed any more. */
  readonly seedsNoMore: (id: MachineId) => void;
};

/** Seeds among the machines of a roster. */
export function openSeeds({ known, swarmOf, upsert, left, forgetSilent }: Roster): Seeds {
  const isSeed = (id: MachineId) => known.get(id)?.member.isSeed === true;
  const seedsIn = (image: string, rack: string) =>
    [...swarmOf(image).ofRack(rack)].filter(({ id, accusers }) => isSeed(id) && accusers.size < accusersLimit);

  return {
    seed: ({ endpoint, ...machine }) => {
      forgetSilent();
      const { id, image, rack } = machine;
      const { accusers } = known.get(id)?.member ?? {};
      const isAccused = (accusers?.size ?? 0) >= accusersLimit;
      const others = seedsIn(image, rack).filter((one) => one.id !== id);
      // One that is accused stays known, so that it is not forgotten and asked again.
      if (others.length >= seedsLimit && !isAccused) return false;
      const serves = isAccused || endpoint === undefined ? {} : { endpoint };
      upsert({ ...machine, ...serves, totalBytes: 0, doneBytes: 0, isWorking: true, isSeed: true, failed: [] });
      return !isAccused;
    },
    seedsNoMore: (id) => {
      if (isSeed(id)) left(id);
    },
  };
}

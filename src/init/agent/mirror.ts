import * as host from "host";
import * as os from "os";
import { sameBytes } from "../../core/bytes/text.ts";
import { mdArrayOf, wentOnWithout } from "../../core/install/md-superblock.ts";
import { type MirrorState, mirrorDisks } from "../../core/machine/storage.ts";
import { messageOf } from "../birth/stop.ts";
import { readMemberHead } from "../device/disk/mirror.ts";
import { exists, list, readTextIfThere, writeText } from "../system/files.ts";
import { isPidOne } from "./pid-one.ts";
import type { SubContext } from "./sub-context.ts";

/** The mirror of the root of this machine. */
export type RootMirror = {
  /**
   * Which disks it works without, by what the kernel says of the array; undefined for another root, and before the system of the disk
   * runs: no udev has named the partitions there.
   */
  readonly state: () => MirrorState | undefined;
  /** Takes back a disk that was away: once each time that one comes. */
  readonly mend: () => void;
};

/** A member as the kernel shows it: the name of its partition, and of the array that has it. */
type Seen = { readonly number: number; readonly partition: string; readonly array: string | undefined };

/** The mirror that the settings name. */
export function openRootMirror({ root, settings, log }: Pick<SubContext, "root" | "settings" | "log">): RootMirror {
  const members = settings.root.kind === "mirror" && root === "" && !isPidOne() ? settings.root.members : undefined;
  /** Numbers of members that came back, and were not taken: they are not asked for again while they stay. */
  const refused = new Set<number>();

  function takeBack(missing: Seen, array: string, whole: Seen): void {
    const [head, other] = [missing, whole].map(({ partition }) => readMemberHead(`/dev/${partition}`));
    const [ours, its] = [other, head].map((bytes) => bytes && mdArrayOf(bytes));
    if (head === undefined || ours === undefined || its === undefined || !sameBytes(ours, its))
      throw new Error("expected a member of this mirror, found another partition");
    if (wentOnWithout(head, whole.number))
      throw new Error("it was started without the other disk, and holds data that this one has not");
    removeFailed(array);
    host.mdRejoin(`/dev/${array}`, `/dev/${missing.partition}`, missing.number);
  }
  return {
    state: () => {
      if (members === undefined) return undefined;
      const seen = members.flatMap(memberOf);
      const inSync = seen.filter(isInSync).map(({ number }) => number);
      return { missing: mirrorDisks.filter((_, number) => !inSync.includes(number)) };
    },
    mend: () => {
      const seen = (members ?? []).flatMap(memberOf);
      for (const number of refused) if (!seen.some((each) => each.number === number)) refused.delete(number);
      const whole = seen.find(isInSync);
      const missing = seen.find(({ array }) => array === undefined);
      if (whole?.array === undefined || missing === undefined || refused.has(missing.number)) return;
      const disk = mirrorDisks[missing.number];
      try {
        takeBack(missing, whole.array, whole);
        log("info", "a disk of the mirror is back; what it lacks is being copied", { disk });
      } catch (error) {
        refused.add(missing.number);
        log("error", "a disk of the mirror is back, and was not taken into it", { disk, fault: messageOf(error) });
      }
    },
  };
}

/** The member of this number; none if its partition is not there. */
function memberOf(partUuid: string, number: number): readonly Seen[] {
  const [target, errno] = os.readlink(`/dev/disk/by-partuuid/${partUuid.toLowerCase()}`);
  if (errno !== 0) return [];
  const partition = target.replace(/^.*\//, "");
  const holders = `/sys/class/block/${partition}/holders`;
  const array = exists(holders) ? list(holders).find((name) => name.startsWith("md")) : undefined;
  return [{ number, partition, array }];
}

/** A member that is being copied to is none yet; one with old data has no array at all. */
function isInSync({ partition, array }: Seen): boolean {
  return array !== undefined && stateIn(array, `dev-${partition}`).includes("in_sync");
}

function stateIn(array: string, member: string): readonly string[] {
  const state = readTextIfThere(`/sys/block/${array}/md/${member}/state`) ?? "";
  return state.trim().split(",");
}

/** A disk that failed, or went while the array had it, keeps its number there until it is removed. */
function removeFailed(array: string): void {
  const md = `/sys/block/${array}/md`;
  for (const name of list(md))
    if (name.startsWith("dev-") && stateIn(array, name).includes("faulty")) writeText(`${md}/${name}/state`, "remove");
}

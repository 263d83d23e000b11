import { mdArrayOf, mdDataBytes, mdSays, startingMembers } from "../../../../src/core/install/md-superblock.ts";
import { fault } from "../system/errno.ts";
import { type BlockDevice, windowOn } from "./block-device.ts";
import type { BlockLayer } from "./block-layer.ts";
import type { TreeFiller } from "./pseudo-tree.ts";

/** RAID 1 by md, as its files in /sys show and take it (Documentation/admin-guide/md.rst). */
export type Arrays = {
  /** The module is loaded. */
  readonly show: () => void;
  /** Assembles each array of the members that are there. */
  readonly assembleAll: () => void;
  /** ADD_NEW_DISK of a member in sync. What it missed is not copied: both members have the same file system here. */
  readonly rejoin: (array: string, member: string) => void;
};

const headBytes = 8192;

/** In the superblock: where a member has its number, and the role of one that is not there. */
const numberAt = 4096 + 160;
const away = 0xfffe;

type Member = { readonly name: string; readonly device: BlockDevice; readonly array: string };

/** Without arrays. */
export function makeArrays({
  sys,
  blocks,
  dev,
}: {
  readonly sys: TreeFiller;
  readonly blocks: BlockLayer;
  readonly dev: TreeFiller;
}): Arrays {
  const running = new Map<string, Member[]>();
  function memberNamed(name: string): Member {
    const device = blocks.get(`/dev/${name}`);
    const id = device && mdArrayOf(device.read(0, headBytes));
    if (device === undefined || id === undefined) throw fault("EINVAL");
    return { name, device, array: Buffer.from(id).toString("hex") };
  }
  function addArray(array: string): void {
    const md = `/block/${array}/md`;
    const members: Member[] = [];
    let [version, state] = ["none", "clear"];
    sys.live(
      `${md}/metadata_version`,
      () => `${version}\n`,
      (bytes) => {
        version = textOf(bytes);
      },
    );
    sys.live(
      `${md}/new_dev`,
      () => ({ errno: "EIO" }),
      (bytes) => {
        if (version !== "1.2") throw fault("EINVAL");
        const member = memberNamed(blocks.named(textOf(bytes)) ?? "");
        if (members.some((other) => other.array !== member.array)) throw fault("EINVAL");
        members.push(member);
        state = "inactive";
      },
    );
    sys.live(
      `${md}/array_state`,
      () => `${state}\n`,
      (bytes) => {
        if (textOf(bytes) !== "active" || members.length === 0) throw fault("EINVAL");
        state = "active";
        start(array, members);
      },
    );
  }
  function start(array: string, members: readonly Member[]): void {
    const present = [...members];
    running.set(`/dev/${array}`, present);
    blocks.add(`/dev/${array}`, mirrorOf(array, present));
    for (const { name } of members) show(array, name);
    noteRoles(present);
  }
  function show(array: string, name: string): void {
    sys.directory(`/class/block/${name}/holders/${array}`);
    sys.text(`/block/${array}/md/dev-${name}/state`, "in_sync\n");
  }
  return {
    rejoin: (array, member) => {
      const members = running.get(array) ?? [];
      members.push(memberNamed(member.replace(/^.*\//, "")));
      show(array.replace(/^.*\//, ""), member.replace(/^.*\//, ""));
      noteRoles(members);
    },
    show: () =>
      sys.live(
        "/module/md_mod/parameters/new_array",
        () => ({ errno: "EIO" }),
        (bytes) => addArray(textOf(bytes)),
      ),
    assembleAll: () => {
      const found = new Map<string, Member[]>();
      for (const name of dev.directory("/").entries.keys()) {
        const device = blocks.get(`/dev/${name}`);
        const id = device && device.sizeBytes > headBytes ? mdArrayOf(device.read(0, headBytes)) : undefined;
        if (id === undefined) continue;
        const array = Buffer.from(id).toString("hex");
        found.set(array, [...(found.get(array) ?? []), memberNamed(name)]);
      }
      for (const [index, members] of [...found.values()].entries()) start(`md${127 - index}`, startingOf(members));
    },
  };
}

/** The members that our initrd starts with. */
function startingOf(members: readonly Member[]): readonly Member[] {
  const [first, second] = [...members].sort((one, other) => numberOf(one) - numberOf(other));
  if (first === undefined || second === undefined) return members;
  const [head, other] = [first, second].map(({ device }) => device.read(0, headBytes));
  return startingMembers(head ?? new Uint8Array(), other ?? new Uint8Array()).flatMap(
    (index) => [first, second][index] ?? [],
  );
}

function numberOf({ device }: Member): number {
  return device.read(numberAt, 1)[0] ?? 0;
}

/** Each member that is there says which are, and that something has changed. */
function noteRoles(members: readonly Member[]): void {
  const numbers = members.map(numberOf);
  for (const { device } of members) {
    for (const number of [0, 1]) {
      const role = numbers.includes(number) ? number : away;
      device.write(mdSays.roles + 2 * number, Uint8Array.of(role & 0xff, role >> 8));
    }
    const [events = 0] = device.read(mdSays.events, 1);
    device.write(mdSays.events, Uint8Array.of(events + 1));
    device.flush();
  }
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString().trim();
}

function mirrorOf(name: string, members: readonly Member[]): BlockDevice {
  const sizeBytes = Math.min(...members.map(({ device }) => device.sizeBytes)) - mdDataBytes;
  const data = () => members.map(({ device }) => windowOn(device, { name, offset: mdDataBytes, sizeBytes }));
  return {
    ...{ name, sizeBytes },
    read: (offset, length) => data()[0]?.read(offset, length) ?? new Uint8Array(length),
    write: (offset, bytes) => {
      for (const each of data()) each.write(offset, bytes);
    },
    flush: () => {
      for (const each of data()) each.flush();
    },
  };
}

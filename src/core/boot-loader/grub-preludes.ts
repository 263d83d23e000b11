import { ownBoot } from "./esp-grub.ts";
import { grubWords } from "./grub-script.ts";
import { signedLoaderConfig } from "./signed-loader.ts";

/** What a boot loader measures before it reads the configuration on the boot partition. */
export type GrubPrelude = {
  /** The texts that PCR 8 is extended with. */
  readonly commands: readonly string[];
  /** The contents of the files that PCR 9 is extended with. */
  readonly files: readonly string[];
};

/** Our own GRUB runs its built-in configuration before normal mode, where nothing is measured. */
export const noPrelude: GrubPrelude = { commands: [], files: [] };

/** Disks that a machine can start from, by the firmware's numbers; a storage server has dozens. */
const disks = Array.from({ length: 32 }, (_, number) => `hd${number}`);
/** Disks that can be the first one with a boot partition, besides that of the machine: one of an earlier birth may come before it. */
const earlier = disks.slice(0, 4);
/** Where the firmware started the loader: by our boot entry, or at the fallback path. */
const directories = ["/EFI/debian", "/EFI/BOOT"] as const;

/**
 * The preludes of Debian's signed GRUB 2.06, which runs its built-in configuration and the one on the ESP in its normal mode, and
 * therefore measures both. They differ in the firmware's numbers of the disk that it was started from and of the first disk with
 * a boot partition.
 */
export function signedPreludes(): readonly GrubPrelude[] {
  const files = signedLoaderConfig.files.map(({ text }) => text);
  const started = disks.flatMap((disk) => directories.map((directory) => ({ disk, directory })));
  return started.flatMap(({ disk, directory }) =>
    [disk, ...earlier].map((labelled) => ({ commands: commandsOf(disk, directory, labelled), files })),
  );
}

function commandsOf(disk: string, directory: string, labelled: string): readonly string[] {
  const home = `(${disk},gpt1)/EFI/debian`;
  const variables = new Map([
    ["labelled", `${labelled},gpt2`],
    ["cmdpath", `(${disk},gpt1)${directory}`],
    ["disk", disk],
    ["root", `${disk},gpt2`],
    ["prefix", `(${disk},gpt2)/grub`],
  ]);
  const lines = [...ownBoot.split("\n"), "configfile $prefix/grub.cfg"];
  return [
    `[ -z ${home} -o ! -e ${home} ]`,
    `[ -e ${home}/x86_64-efi/grub.cfg ]`,
    `[ -e ${home}/grub.cfg ]`,
    `source ${home}/grub.cfg`,
    ...lines.map((line) => (grubWords(line, variables) ?? []).join(" ")),
  ];
}

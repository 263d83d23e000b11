import { formerOwnBoot, ownBoot } from "./esp-grub.ts";
import { grubWords } from "./grub-script.ts";
import { signedLoaderText } from "./signed-loader.ts";

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

/** How GRUB was started: from this disk, while the label `boot` is found first on that one, with this $cmdpath. */
type Start = { readonly disk: string; readonly labelled: string; readonly cmdpath: string };

/**
 * The preludes of Debian's signed GRUB, 2.06 and 2.12, with each text that the ESP may have, the most likely ones first. They differ
 * in the firmware's numbers of the disk that it was started from and of the first disk with a boot partition.
 */
export function* signedPreludes(): Generator<GrubPrelude> {
  for (const boot of [ownBoot, formerOwnBoot]) {
    const file = signedLoaderText(boot);
    for (const disk of disks)
      for (const labelled of [disk, ...earlier]) {
        // GRUB 2.12 opens the file twice, and does not say how it found it.
        yield { commands: linesOf(boot, { disk, labelled, cmdpath: "" }), files: [file, file] };
        for (const directory of directories)
          yield older(boot, { disk, labelled, cmdpath: `(${disk},gpt1)${directory}` }, file);
      }
  }
}

/** GRUB 2.06 runs its built-in configuration in normal mode, too, and therefore measures it. */
function older(boot: string, start: Start, file: string): GrubPrelude {
  const home = `(${start.disk},gpt1)/EFI/debian`;
  const commands = [
    `[ -z ${home} -o ! -e ${home} ]`,
    `[ -e ${home}/x86_64-efi/grub.cfg ]`,
    `[ -e ${home}/grub.cfg ]`,
    `source ${home}/grub.cfg`,
    ...linesOf(boot, start),
  ];
  return { commands, files: [file] };
}

function linesOf(boot: string, { disk, labelled, cmdpath }: Start): readonly string[] {
  const before = [
    ["labelled", `${labelled},gpt2`],
    ["root", `${disk},gpt1`],
    ["cmdpath", cmdpath],
    ["disk", disk],
  ] as const;
  const after = [
    ["root", `${disk},gpt2`],
    ["prefix", `(${disk},gpt2)/grub`],
  ] as const;
  const variables = new Map<string, string>(before);
  return [...boot.split("\n"), "configfile $prefix/grub.cfg"].map((line) => {
    const words = (grubWords(line, variables) ?? []).join(" ");
    if (line.startsWith("set root=")) for (const [name, value] of after) variables.set(name, value);
    return words;
  });
}

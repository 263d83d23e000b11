import { hostPackages } from "../bootstrap-image/packages.ts";
import { dominatorPackages, emulationPackages } from "../dominator/import/packages.ts";

/** Debian packages that each verb needs on this computer, in addition to the npm packages. */
export const packagesOf = {
  "image build": hostPackages,
  serve: hostPackages,
  demo: [
    ...hostPackages,
    ...dominatorPackages.map(({ name }) => name),
    ...["ipxe-qemu", "ovmf", "qemu-system-x86", "seabios", "iproute2", "util-linux", "coreutils"],
  ],
} as const;

/** Those that `image build STREAM RECIPE` needs in addition if the recipe is for machines of another architecture. */
export const packagesToEmulate: readonly string[] = emulationPackages;

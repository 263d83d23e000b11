import { commonParametersOf } from "../../birth/signed-command-line.ts";
import type { MachineArchitecture } from "../../machine/architecture.ts";

/** A kernel and its initrd, by their file names in /boot. */
export type BootKernel = { readonly version: string; readonly kernel: string; readonly initrd: string };

/** Arguments that tell the kernel where its root is. */
export type RootDevice =
  | { readonly kind: "plain"; readonly partUuid: string }
  /** The root is encrypted; a second initrd opens it (unlock.ts). */
  | { readonly kind: "encrypted"; readonly mapping: string; readonly unlockInitrd: string }
  /** The root is on an array, plain; a second initrd assembles it. */
  | { readonly kind: "mirror"; readonly array: string; readonly unlockInitrd: string };

function rootArgument(root: RootDevice): string {
  switch (root.kind) {
    case "plain":
      return `root=PARTUUID=${root.partUuid}`;
    case "encrypted":
      return `root=/dev/mapper/${root.mapping} boot=birther`;
    case "mirror":
      return `root=/dev/${root.array} boot=birther`;
  }
}

/** Finds the kernels in /boot that have an initrd, newest first. */
export function bootKernels(names: readonly string[]): readonly BootKernel[] {
  const there = new Set(names);
  return names
    .filter((name) => name.startsWith("vmlinuz-"))
    .map((name) => ({ version: name.slice("vmlinuz-".length), kernel: name }))
    .flatMap(({ version, kernel }) => {
      const initrd = [`initrd.img-${version}`, `initramfs-${version}.img`].find((name) => there.has(name));
      return initrd === undefined ? [] : [{ version, kernel, initrd }];
    })
    .sort((one, other) => compareVersions(other.version, one.version));
}

/** Compares two version texts; numbers in them compare as numbers, so 6.1.0-9 comes before 6.1.0-10. */
export function compareVersions(one: string, other: string): number {
  const oneParts = one.match(/\d+|\D+/g) ?? [];
  const otherParts = other.match(/\d+|\D+/g) ?? [];
  for (let index = 0; index < Math.max(oneParts.length, otherParts.length); index++) {
    const left = oneParts[index] ?? "";
    const right = otherParts[index] ?? "";
    const difference = Number(left) - Number(right);
    if (Number.isNaN(difference)) {
      if (left !== right) return left < right ? -1 : 1;
    } else if (difference !== 0) return difference;
  }
  return 0;
}

/** A menu entry: a kernel with its initrds, by their paths on the boot partition, and further arguments of the kernel. */
export type MenuEntry = {
  readonly title: string;
  readonly kernel: string;
  readonly initrds: readonly string[];
  readonly root: RootDevice;
  readonly architecture?: MachineArchitecture;
  readonly more?: string;
};

/** The start of grub.cfg. */
export const configHead = "# Written by birther-agent; changes are lost when the kernel changes.\n";

/**
 * The consoles of GRUB. On BIOS machines it sets up the serial line, because SeaBIOS shows nothing there; UEFI firmware already
 * sends its console to the serial line, so a second set-up would double every character.
 */
export function consoleSetup(firmware: "bios" | "uefi"): string {
  return firmware === "bios"
    ? "serial --unit=0 --speed=115200\nterminal_input serial console\nterminal_output serial console\n"
    : "";
}

/**
 * The last entry. If GRUB cannot start a kernel (a damaged file, an invalid signature), the machine restarts, so that the Birther
 * notices, instead of stopping at a menu.
 */
export const restartEntry = `menuentry 'restart' {
  echo "birther: this disk's system cannot be started; restarting"
  sleep 10
  reboot
}
`;

/**
 * Writes grub.cfg of the former layout, for kernels directly on the boot partition, which is GRUB's root when it reads this file
 * (the core image has set it).
 */
export function grubConfig(input: {
  readonly title: string;
  readonly firmware: "bios" | "uefi";
  readonly root: RootDevice;
  readonly kernels: readonly BootKernel[];
}): string {
  const { root } = input;
  const entries = input.kernels.map(({ version, kernel, initrd }) =>
    menuEntry({
      title: `${input.title.replace(/'/g, "")}, Linux ${version}`,
      kernel: `/${kernel}`,
      initrds: [`/${initrd}`, ...(root.kind === "plain" ? [] : [`/${root.unlockInitrd}`])],
      root,
    }),
  );
  return `${configHead}${consoleSetup(input.firmware)}set default=0
set fallback=${entries.length}
set timeout=0
${entries.join("")}${restartEntry}`;
}

/**
 * Writes a menu entry. `panic=30` restarts a machine that cannot mount its root. A machine that hangs during its restart is reset
 * by the watchdog that systemd leaves armed (RebootWatchdogSec, 10 minutes).
 */
export function menuEntry({ title, kernel, initrds, root, architecture, more }: MenuEntry): string {
  const options = [
    rootArgument(root),
    "ro",
    ...commonParametersOf(architecture),
    ...(more === undefined ? [] : [more]),
  ];
  return `menuentry '${title}' {
  linux ${kernel} ${options.join(" ")}
  initrd ${initrds.join(" ")}
}
`;
}

import { type MachineArchitecture, machineArchitectures } from "../machine/architecture.ts";
import { bootKernels } from "./boot/grub.ts";
import type { SeenInode, SeenTree } from "./tree.ts";

/** The C library's dynamic loader, which names the architecture of the programs. */
const loaders: { readonly [A in MachineArchitecture]: readonly string[] } = {
  amd64: ["/lib64/ld-linux-x86-64.so.2", "/lib/ld-musl-x86_64.so.1"],
  arm64: ["/lib/ld-linux-aarch64.so.1"],
};

/** What a machine needs to start from an image; one of the paths is enough. */
const needs: readonly { readonly what: string; readonly paths: readonly string[] }[] = [
  // The agent is a systemd unit: under another init it would not start, and the machine would never report.
  { what: "systemd (/usr/lib/systemd/systemd)", paths: ["/usr/lib/systemd/systemd", "/lib/systemd/systemd"] },
  { what: "/sbin/init", paths: ["/sbin/init"] },
  { what: "/bin/sh", paths: ["/bin/sh"] },
  {
    what: "a C library (ld-linux or ld-musl)",
    paths: Object.values(loaders).flat(),
  },
  { what: "/etc/os-release", paths: ["/etc/os-release", "/usr/lib/os-release"] },
];

/** The architecture that an image's programs are for; undefined if it has C libraries of several or of none. */
export function architectureOfSystem(tree: SeenTree): MachineArchitecture | undefined {
  const inodes = new Map(tree.entries.map(([path, inode]) => [path, tree.inodes[inode]] as const));
  const found = machineArchitectures.filter((architecture) =>
    loaders[architecture].some((path) => leadsToFile(inodes, path)),
  );
  return found.length === 1 ? found[0] : undefined;
}

/** Limit of symbolic links followed for one file, as in the kernel (path_resolution(7)). */
const linkLimit = 40;

/**
 * What an image lacks for a machine to start: init, shell, C library, os-release, and a kernel with its initrd in
 * /boot. Empty for a complete system. Follows symbolic links within the image; paths that the filter protects count as
 * present.
 */
export function missingFromSystem(tree: SeenTree): readonly string[] {
  const inodes = new Map(tree.entries.map(([path, inode]) => [path, tree.inodes[inode]] as const));
  const missing = needs.filter(({ paths }) => !paths.some((path) => leadsToFile(inodes, path))).map(({ what }) => what);
  const boot = tree.entries.flatMap(([path]) => (/^\/boot\/[^/]+$/.test(path) ? [path.slice("/boot/".length)] : []));
  const kernels = bootKernels(boot).filter(({ kernel, initrd }) =>
    [kernel, initrd].every((name) => leadsToFile(inodes, `/boot/${name}`)),
  );
  return kernels.length > 0 ? missing : [...missing, "a kernel with its initrd (/boot/vmlinuz-V, /boot/initrd.img-V)"];
}

function leadsToFile(inodes: ReadonlyMap<string, SeenInode | undefined>, path: string): boolean {
  let left = path.split("/").filter((part) => part !== "");
  let at = "";
  for (let links = 0; ; ) {
    const [part, ...rest] = left;
    if (part === undefined) return false;
    left = rest;
    if (part === ".") continue;
    if (part === "..") {
      at = at.slice(0, Math.max(0, at.lastIndexOf("/")));
      continue;
    }
    const inode = inodes.get(`${at}/${part}`);
    if (inode === undefined) return false;
    if (inode.kind === "symlink") {
      links += 1;
      if (links > linkLimit) return false;
      if (inode.target.startsWith("/")) at = "";
      left = [...inode.target.split("/").filter((each) => each !== ""), ...left];
    } else if (inode.kind === "directory") {
      at = `${at}/${part}`;
    } else {
      return left.length === 0 && (inode.kind === "protected" || (inode.kind === "regular" && inode.size > 0));
    }
  }
}

import { ancestorPaths, parentPath } from "./tree.ts";

/** Decides which paths are never touched on a sub. */
export type Filter = {
  /** Whether the path itself matches; used by a walk from the top, which does not enter matching directories. */
  readonly matches: (path: string) => boolean;
  /** Whether the path or a directory above it matches; everything in a protected directory is protected. */
  readonly protects: (path: string) => boolean;
};

/**
 * Gives the same answers as `filter.protects`, for paths in the order of a tree (directories first). It checks each
 * path once, so that a deep tree costs no more than a flat one.
 */
export function protectsInOrder({ matches }: Filter): (path: string) => boolean {
  const found = new Set<string>();
  return (path) => {
    const isProtected = found.has(parentPath(path)) || matches(path);
    if (isProtected) found.add(path);
    return isProtected;
  };
}

export type FilterResult =
  | { readonly kind: "filter"; readonly filter: Filter }
  | { readonly kind: "badLine"; readonly line: string; readonly reason: string };

/**
 * Reads filter lines as the Dominator does (lib/filter, lib/pathregexp). Each line is a regular expression that is
 * anchored only at its start: a plain line is a prefix (`/etc/fstab` also matches `/etc/fstab.d`), `…$` matches
 * exactly, and `X(|/.*)$` matches a tree. A line `!` inverts the whole filter: only matching paths may be touched, and
 * a directory above a path must match, too. Empty lines and lines that begin with `#` are ignored.
 */
export function parseFilter(lines: readonly string[]): FilterResult {
  const useful = lines.map((line) => line.trim()).filter((line) => line !== "" && !line.startsWith("#"));
  const patterns = useful.filter((line) => line !== "!");
  for (const line of patterns) {
    try {
      new RegExp(line);
    } catch (error) {
      return { kind: "badLine", line, reason: error instanceof Error ? error.message : String(error) };
    }
  }
  const inverted = patterns.length < useful.length;
  const expression =
    patterns.length === 0 ? undefined : new RegExp(`^(?:${patterns.map((line) => `(?:${line})`).join("|")})`);
  const matches = (path: string) => (expression?.test(path) ?? false) !== inverted;
  return {
    kind: "filter",
    filter: { matches, protects: (path) => matches(path) || ancestorPaths(path).some(matches) },
  };
}

/**
 * Paths that belong to the machine rather than to its image. Based on the Dominator's cmd/imaginator/filters/Debian-11,
 * plus everything that a birth writes or mounts.
 */
export const machineFilterLines: readonly string[] = [
  "# File-systems of the kernel, and places that are empty after each boot",
  "/(proc|sys|dev|run|tmp)(|/.*)$",
  "/media(|/.*)$",
  "/mnt(|/.*)$",
  "/lost[+]found(|/.*)$",
  "/boot/lost[+]found(|/.*)$",
  "# Boot loader and what birther-agent writes for it",
  "/boot/efi(|/.*)$",
  "/boot/grub(|/.*)$",
  "/boot/birther-unlock[.]img",
  "# Identity of the machine, written at its birth",
  "/etc/fstab$",
  "/etc/crypttab$",
  "/etc/hostname$",
  "/etc/hosts$",
  "/etc/machine-id$",
  "/etc/mtab$",
  "/etc/resolv[.]conf$",
  "/etc/systemd/network/10-birther[.].*",
  "/etc/systemd/system/multi-user[.]target[.]wants/systemd-networkd[.]service$",
  "/etc/udev/rules[.]d/.*",
  "/etc/ssh/ssh_host_.*",
  "# What the machine's software has written; systemd's stamps (systemd-update-done.service(8)), from Debian 13 on",
  "/(etc|var)/[.]updated$",
  "/data(|/.*)$",
  "/home(|/.*)$",
  "/root/[.].*_history$",
  "/var/cache/ldconfig(|/.*)$",
  "/var/lib/dbus/machine-id$",
  "/var/lib/dhcp/.*",
  "/var/lib/logrotate/status",
  "/var/lib/systemd/.*",
  "/var/lib/urandom/.*",
  "/var/log/.*",
  "/var/mail/.*",
  "/var/spool/.*",
  "/var/tmp/.*",
];

/**
 * The version of the protocol between agent and Dominator; the agent sends it with its polls. Version 1 (polls without
 * a number): the agent is still called subd, which is the name of the Dominator's own program. Version 2: it is called
 * birther-agent. Version 3: it compares its tree with a manifest.
 * Version 4: a new version replaces it. Version 5: it reports and sets extended attributes.
 */
export const agentProtocol = 5;

const renamedProtocol = 2;

/** The first version of the protocol that has the directive to compare. */
export const comparingProtocol = 3;

/** The first version of the protocol that has the directive to upgrade the agent. */
export const upgradingProtocol = 4;

/** The first version of the protocol whose agents report and set extended attributes. */
export const attributesProtocol = 5;

/** Paths that are never touched, whatever the image's filter says, because the agent needs them. */
export const alwaysProtectedLines: readonly string[] = [
  "/[.]birther-agent(|/.*)$",
  "/(proc|sys|dev|run)(|/.*)$",
  "/etc/birther(|/.*)$",
  "/etc/systemd/system/birther-agent[.]service$",
  "/etc/systemd/system/birther-volumes[.]service$",
  "/etc/systemd/system/local-fs[.]target[.]wants/birther-volumes[.]service$",
  "/etc/systemd/system/multi-user[.]target[.]wants/birther-agent[.]service$",
  "/usr/local/sbin/birther-agent$",
  "/usr/local/lib/birther(|/.*)$",
  "/var/lib/birther(|/.*)$",
];

/** The same for an agent of protocol 1. On other machines these paths are free for the Dominator's own subd. */
const formerlyProtectedLines: readonly string[] = [
  "/[.]subd(|/.*)$",
  "/etc/systemd/system/subd[.]service$",
  "/etc/systemd/system/multi-user[.]target[.]wants/subd[.]service$",
  "/usr/local/sbin/subd$",
];

/**
 * The filter for a sub whose agent speaks `protocol`: the image's lines, and the paths that are always protected.
 * Throws if a line is not a valid regular expression; lines are checked when an image is added.
 */
export function subFilter(imageLines: readonly string[], protocol: number): Filter {
  const own = filterOrThrow(imageLines);
  const always = filterOrThrow(
    protocol < renamedProtocol ? [...alwaysProtectedLines, ...formerlyProtectedLines] : alwaysProtectedLines,
  );
  return {
    matches: (path) => always.matches(path) || own.matches(path),
    protects: (path) => always.protects(path) || own.protects(path),
  };
}

function filterOrThrow(lines: readonly string[]): Filter {
  const result = parseFilter(lines);
  if (result.kind === "badLine") throw new Error(`filter line ${JSON.stringify(result.line)}: ${result.reason}`);
  return result.filter;
}

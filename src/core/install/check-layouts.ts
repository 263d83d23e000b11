import { checkRootDiskRules, type RuleProblem } from "../site/check-rules.ts";
import type { ImageRule } from "../site/image-rule.ts";
import { diskNumberField, type ExtraVolume, type LayoutProfile, takesOne } from "./layout-profile.ts";
import { leastVolumeMiB } from "./volume-file-system.ts";

/**
 * Directories that belong to the image, to the kernel or to the agent: no volume may be mounted on one, inside of one, or above one.
 */
const reserved = [
  ...["/bin", "/boot", "/dev", "/etc", "/lib", "/lib32", "/lib64", "/libx32", "/proc", "/root", "/run", "/sbin"],
  ...["/sys", "/tmp", "/usr", "/.birther-agent", "/var/lib/birther", "/var/lib/dpkg", "/var/lib/systemd"],
];

/** All faults in layout profiles, and in the image rules that name them, that can be seen without a machine. */
export function checkLayouts(layouts: readonly LayoutProfile[]): readonly RuleProblem[] {
  return layouts.flatMap((layout, index) => {
    const again = layouts.findIndex(({ name }) => name === layout.name) < index;
    const twice = { path: `${index}.name`, expected: "a name that no other layout has", found: layout.name };
    return [
      ...(again ? [twice] : []),
      ...checkMirror(layout, index),
      ...checkVolumes(layout, index),
      ...checkData(layout, index),
    ];
  });
}

/** Image rules that name a layout that is not there. */
export function checkLayoutNames(
  images: readonly ImageRule[],
  layouts: readonly LayoutProfile[],
): readonly RuleProblem[] {
  const names = layouts.map(({ name }) => name);
  return images.flatMap(({ layout }, index) =>
    layout === undefined || names.includes(layout)
      ? []
      : [
          {
            path: `${index}.layout`,
            expected: `a layout of storage.layouts (${names.join(", ") || "none"})`,
            found: layout,
          },
        ],
  );
}

function checkMirror({ mirror, swapMiB, volumes }: LayoutProfile, index: number): readonly RuleProblem[] {
  if (mirror === undefined) return [];
  const path = `${index}.mirror`;
  const rules = checkRootDiskRules([mirror.disks]).map((each) => ({
    ...each,
    path: `${path}.disks${each.path.replace(/^0/, "")}`,
  }));
  if (swapMiB === 0 && volumes.length === 0) return rules;
  const expected = "no mirror where there is swap or a volume on the root disk, which would be on one disk only";
  const found = [...(swapMiB === 0 ? [] : [`swapMiB ${swapMiB}`]), ...volumes.map(({ name }) => `volume ${name}`)];
  return [...rules, { path, expected, found: found.join(", ") }];
}

function checkVolumes({ volumes, data }: LayoutProfile, index: number): readonly RuleProblem[] {
  const points = [...volumes, ...data].flatMap(({ mountPoint }) => mountPoint ?? []);
  const own = volumes.flatMap((volume, at) => {
    const path = `${index}.volumes.${at}`;
    const problems = [...checkMountPoint(volume, `${path}.mountPoint`, points), ...checkSize(volume, path)];
    const isTaken =
      /^(root|swap|data\d+)$/.test(volume.name) || volumes.findIndex(({ name }) => name === volume.name) < at;
    if (!isTaken) return problems;
    const expected = "a name of its own, and neither root, swap nor data with a number";
    return [...problems, { path: `${path}.name`, expected, found: volume.name }];
  });
  const ofData = data.flatMap((rule, at) => checkMountPoint(rule, `${index}.data.${at}.mountPoint`, points));
  return [...own, ...ofData];
}

function checkSize({ fileSystem, sizeMiB }: ExtraVolume, path: string): readonly RuleProblem[] {
  const least = leastVolumeMiB[fileSystem];
  if (sizeMiB >= least) return [];
  return [{ path: `${path}.sizeMiB`, expected: `at least ${least} MiB for ${fileSystem}`, found: String(sizeMiB) }];
}

function checkData({ data }: LayoutProfile, index: number): readonly RuleProblem[] {
  const all = data.findIndex((rule) => Object.keys(rule.disks).length === 0 && !takesOne(rule));
  return data.flatMap(({ disks }, at) => {
    const path = `${index}.data.${at}.disks`;
    const problems = checkRootDiskRules([disks]).map((each) => ({ ...each, path: path + each.path.replace(/^0/, "") }));
    if (all < 0 || at <= all) return problems;
    const expected = "the rule without conditions at the end of the list";
    return [...problems, { path, expected, found: `a rule after rule ${all + 1}, which takes every disk` }];
  });
}

function checkMountPoint(
  { fileSystem, mountPoint }: { readonly fileSystem: string; readonly mountPoint?: string },
  path: string,
  all: readonly string[],
): readonly RuleProblem[] {
  const problem = (expected: string) => [{ path, expected, found: mountPoint ?? "nothing" }];
  if (fileSystem === "none")
    return mountPoint === undefined ? [] : problem("no mount point where there is no file system");
  if (mountPoint === undefined) return problem("where the file system is mounted");
  const [before = "", ...after] = mountPoint.split(diskNumberField);
  const plain = [before, ...after].join("1");
  if (after.length > 1 || !/^(\/[A-Za-z0-9_.-]+)+$/.test(plain) || /\/\.{1,2}(\/|$)/.test(plain))
    return problem(
      "an absolute path of letters, digits, points, hyphens and underscores, without .. and with one {n} at most",
    );
  const owner = reserved.find((each) => isWithin(plain, each) || isWithin(each, plain));
  if (owner !== undefined) return problem(`a path that is neither inside ${owner} nor above it`);
  // The same text is its own, once.
  const others = [...all];
  others.splice(others.indexOf(mountPoint), 1);
  const other = others.find((each) => overlaps(each, mountPoint));
  return other === undefined
    ? []
    : problem(`a path that is not inside that of another volume (${other}), nor above it`);
}

function isWithin(path: string, directory: string): boolean {
  return path === directory || path.startsWith(`${directory}/`);
}

/** Whether two mount points can be one inside the other, whatever the numbers of the disks. */
function overlaps(one: string, other: string): boolean {
  const [left, right] = [one, other].map((path) => path.split("/"));
  const shorter = Math.min(left?.length ?? 0, right?.length ?? 0);
  return (left ?? []).slice(0, shorter).every((part, index) => couldBe(part, right?.[index] ?? ""));
}

/** Whether two names can be the same: where both have a number, what is before it may differ by digits. */
function couldBe(one: string, other: string): boolean {
  const [left = "", leftEnd] = one.split(diskNumberField);
  const [right = "", rightEnd] = other.split(diskNumberField);
  if (leftEnd === undefined && rightEnd === undefined) return one === other;
  if (leftEnd === undefined) return couldBe(other, one);
  if (rightEnd === undefined)
    return (
      other.startsWith(left) &&
      other.endsWith(leftEnd) &&
      isNumber(other.slice(left.length, other.length - leftEnd.length))
    );
  const [short, long] = left.length < right.length ? [left, right] : [right, left];
  return leftEnd === rightEnd && long.startsWith(short) && /^\d*$/.test(long.slice(short.length));
}

function isNumber(text: string): boolean {
  return /^\d+$/.test(text);
}

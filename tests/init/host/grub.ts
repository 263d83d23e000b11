import {
  environmentBytes,
  grubEnvironment,
  readGrubEnvironment,
} from "../../../src/core/boot-loader/grub-environment.ts";
import { decodeUtf8 } from "../../../src/core/bytes/utf8.ts";
import type { FileSystem } from "./storage/file-system.ts";
import { type Inode, typeBits } from "./storage/inode.ts";

/** What GRUB starts: a kernel whose files are all there. */
export type GrubEntry = {
  readonly release: string;
  readonly source: string;
  readonly commandLine: string;
  /** The second initrd, as text; empty if there is none. */
  readonly unlock: string;
};

/** The file at a path, by names from the root; undefined if it does not exist or is not a file. */
export function fileIn(fileSystem: FileSystem, path: string): Inode | undefined {
  let here = fileSystem.root;
  for (const name of path.split("/").filter((part) => part !== "")) {
    const number = here.entries.get(name);
    if (number === undefined) return undefined;
    here = fileSystem.get(number);
  }
  return (here.mode & typeBits.mask) === typeBits.regular ? here : undefined;
}

/** The text of a file; undefined if it does not exist or is not a file. */
export function textIn(fileSystem: FileSystem, path: string): string | undefined {
  const file = fileIn(fileSystem, path);
  return file === undefined ? undefined : decodeUtf8(file.data.subarray(0, file.size));
}

/** The names of the kernels on a boot partition. */
export function kernelsOn(boot: FileSystem): readonly string[] {
  const number = boot.root.entries.get("kernels");
  return number === undefined ? [] : [...boot.get(number).entries.keys()];
}

/**
 * Runs grub.cfg as GRUB does: the default entry, and if its files are missing, those of `fallback`. `canWrite`: whether the firmware
 * lets GRUB write to the disk. Returns why nothing starts otherwise.
 */
export function runGrub(boot: FileSystem, { canWrite }: { readonly canWrite: boolean }): GrubEntry | string {
  const config = textIn(boot, "/grub/grub.cfg");
  if (config === undefined) return "there is no grub.cfg";
  const variables = runHead(boot, config.slice(0, config.indexOf("menuentry")), canWrite);
  const entries = config.split(/^menuentry /m).slice(1);
  const order = [variables.get("default") ?? "0", ...(variables.get("fallback") ?? "").split(" ")];
  let why = "grub.cfg names no kernel";
  for (const number of order) {
    const entry = readEntry(boot, entries[Number(number)] ?? "");
    if (typeof entry !== "string") return entry;
    why = entry;
  }
  return why;
}

function readEntry(boot: FileSystem, text: string): GrubEntry | string {
  const line = /^ {2}linux (\S*\/vmlinuz-(\S+)) (.*)$/m.exec(text);
  const initrds = /^ {2}initrd (.*)$/m.exec(text)?.[1]?.split(" ") ?? [];
  if (line === null || initrds.length === 0) return "an entry names no kernel";
  const [, kernel = "", release = "", commandLine = ""] = line;
  for (const file of [kernel, ...initrds])
    if ((textIn(boot, file) ?? "") === "") return `${file}, which grub.cfg names, is missing or empty`;
  const unlock = textIn(boot, initrds[1] ?? "") ?? "";
  return { release, source: /root=(\S+)/.exec(commandLine)?.[1] ?? "", commandLine, unlock };
}

/** The commands before the menu, as far as ours use GRUB's language. */
function runHead(boot: FileSystem, head: string, canWrite: boolean): ReadonlyMap<string, string> {
  const variables = new Map<string, string>();
  const conditions: boolean[] = [];
  const environment = () => fileIn(boot, "/grub/grubenv");
  function save(name: string): boolean {
    const block = environment();
    if (!canWrite || block === undefined || block.size !== environmentBytes) return false;
    boot.write(block, 0, grubEnvironment(name, variables.get(name) ?? ""));
    boot.sync();
    return true;
  }
  for (const line of head.split("\n").map((each) => each.trim())) {
    const test = /^if \[ "\$(\w+)" = "(\w*)" \]; then$/.exec(line);
    const saving = /^if save_env -f \/grub\/grubenv (\w+); then$/.exec(line);
    const loading = /^load_env -f \/grub\/grubenv (\w+)$/.exec(line);
    const setting = /^set (\w+)="?([^"]*)"?$/.exec(line);
    const isRun = conditions.every((each) => each);
    if (line === "fi") conditions.pop();
    else if (test !== null) conditions.push(isRun && (variables.get(test[1] ?? "") ?? "") === test[2]);
    else if (saving !== null) conditions.push(isRun && save(saving[1] ?? ""));
    else if (!isRun) continue;
    else if (loading !== null) {
      const [, name = ""] = loading;
      const block = environment();
      if (block !== undefined) variables.set(name, readGrubEnvironment(block.data.subarray(0, block.size), name));
    } else if (setting !== null) variables.set(setting[1] ?? "", setting[2] ?? "");
    else if (!/^(#|serial |terminal_|$)/.test(line)) throw new Error(`the fake GRUB does not know: ${line}`);
  }
  return variables;
}

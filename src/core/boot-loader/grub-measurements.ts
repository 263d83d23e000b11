import { grubWords } from "./grub-script.ts";

/** What GRUB measures from its configuration to the start of a kernel. */
export type GrubMeasurements = {
  /** The texts that PCR 8 is extended with, in turn: commands, and the kernel's command line. */
  readonly commands: readonly string[];
  /** The files that PCR 9 is extended with, in turn, by their paths on GRUB's root. */
  readonly files: readonly string[];
  /** What the kernel is started with. */
  readonly start: GrubStart;
};

/** The command line after the kernel's path as GRUB passes it on, and the initrds by their paths on GRUB's root. */
export type GrubStart = { readonly options: string; readonly initrds: readonly string[] };

/** The disk as GRUB finds it. */
export type GrubRun = {
  /** The path of the configuration. */
  readonly path: string;
  /** The variables of its environment block. */
  readonly environment: ReadonlyMap<string, string>;
  /** Whether `save_env` succeeds. */
  readonly canWrite: boolean;
};

type Walk = GrubRun & {
  readonly variables: Map<string, string>;
  readonly commands: string[];
  readonly files: string[];
  start: GrubStart;
  /** The first line whose measurements are not known. */
  unknown: string | undefined;
};

type Entry = { readonly title: string; readonly lines: readonly string[] };

/**
 * Runs a configuration as GRUB 2.06 and 2.12 do with its module `tpm` (script/execute.c, commands/tpm.c), up to the start of the default
 * entry's kernel. A command is measured after its variables are expanded, its words joined by spaces; the last word of a menu entry
 * is its block. `unknown`: a line of another kind than partitionConfig writes.
 */
export function measureGrub(config: string, run: GrubRun): GrubMeasurements | { readonly unknown: string } {
  const walk: Walk = {
    ...run,
    variables: new Map(),
    commands: [],
    files: [run.path],
    start: nothing,
    unknown: undefined,
  };
  const entry = readMenu(config, walk)[Number(walk.variables.get("default") ?? "0")];
  walk.commands.push(`setparams ${entry?.title}`);
  for (const line of entry?.lines ?? []) runCommand(line, walk);
  const { commands, files, start, unknown = entry === undefined ? "set default" : undefined } = walk;
  return unknown === undefined ? { commands, files, start } : { unknown };
}

const nothing: GrubStart = { options: "", initrds: [] };

/** Runs the commands outside of the menu's entries, and returns these. */
function readMenu(config: string, walk: Walk): readonly Entry[] {
  const entries: Entry[] = [];
  const conditions: boolean[] = [];
  const lines = config.split("\n");
  for (let at = 0; at < lines.length; at += 1) {
    const line = (lines[at] ?? "").trim();
    const isRun = conditions.every((each) => each);
    const [, condition] = /^if (.*); then$/.exec(line) ?? [];
    const [, title] = /^menuentry '([^']*)' \{$/.exec(line) ?? [];
    if (line === "fi") conditions.pop();
    else if (condition !== undefined) conditions.push(isRun && runCommand(condition, walk));
    else if (title !== undefined) {
      const end = lines.indexOf("}", at);
      const block = lines.slice(at + 1, end);
      walk.commands.push(`menuentry ${title} {\n${block.join("\n")}\n}`);
      entries.push({ title, lines: block });
      at = end < 0 ? lines.length : end;
    } else if (isRun && line !== "" && !line.startsWith("#")) runCommand(line, walk);
  }
  return entries;
}

/** Runs a command; returns whether it succeeds. */
function runCommand(line: string, walk: Walk): boolean {
  const words = grubWords(line, walk.variables) ?? [];
  const [name, ...rest] = words;
  walk.commands.push(words.join(" "));
  switch (name) {
    case "set":
      setVariable(rest[0] ?? "", walk);
      return true;
    case "[":
      return rest[0] === rest[2];
    case "load_env":
      walk.files.push(rest[1] ?? "");
      loadVariable(rest[2] ?? "", walk);
      return true;
    case "save_env":
      // It opens the block without verifiers, so that nothing is measured.
      return walk.canWrite;
    case "linux":
      walk.files.push(rest[0] ?? "");
      walk.commands.push(rest.join(" "));
      walk.start = { options: `BOOT_IMAGE=${rest.join(" ")}`, initrds: [] };
      return true;
    case "initrd":
      walk.files.push(...rest);
      walk.start = { ...walk.start, initrds: rest };
      return true;
    default:
      walk.unknown ??= line;
      return true;
  }
}

function setVariable(assignment: string, { variables }: Walk): void {
  const at = assignment.indexOf("=");
  variables.set(assignment.slice(0, at), assignment.slice(at + 1));
}

/** A variable that the block lacks stays as it was. */
function loadVariable(name: string, { environment, variables }: Walk): void {
  const value = environment.get(name);
  if (value !== undefined) variables.set(name, value);
}

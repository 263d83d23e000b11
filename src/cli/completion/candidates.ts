import type { Argument, Command, Option } from "commander";

/** What may stand at a place of a command line: these words, names of machines or versions of images, or a file. */
export type Candidates =
  | { readonly kind: "words"; readonly words: readonly string[] }
  | { readonly kind: "machines" | "images" | "files" };

/** Arguments that name machines or images; all others are files or free text, which the shell completes. */
const machineArguments: readonly string[] = ["name", "name-or-key=value", "newcomer", "old"];
const imageArguments: readonly string[] = ["stream/version", "from", "to"];

/**
 * What may stand at the last of these words, all after the name of the program; it may be empty or begun. Words that no command
 * knows are skipped, as the shell asks in the middle of writing.
 */
export function candidatesFor(program: Command, words: readonly string[]): Candidates {
  const before = words.slice(0, -1);
  const last = words.at(-1) ?? "";
  let command = program;
  let position = 0;
  let wantedBy: Option | undefined;
  let onlyArguments = false;
  for (const word of before) {
    if (wantedBy !== undefined) wantedBy = undefined;
    else if (!onlyArguments && word === "--") onlyArguments = true;
    else if (!onlyArguments && word.startsWith("-")) wantedBy = valueWanted(command, word);
    else {
      const next = position === 0 ? command.commands.find((each) => isNamed(each, word)) : undefined;
      if (next === undefined) position += 1;
      else command = next;
    }
  }
  if (wantedBy !== undefined)
    return wantedBy.argChoices === undefined ? { kind: "files" } : begun(wantedBy.argChoices, last);
  if (!onlyArguments && last.startsWith("-")) return begun(optionsOf(command), last);
  if (command.commands.length > 0 && position === 0) {
    const names = command
      .createHelp()
      .visibleCommands(command)
      .map((each) => each.name());
    if (command.registeredArguments.length === 0) return begun(names, last);
  }
  const argument = argumentAt(command, position);
  if (argument === undefined) return { kind: "words", words: [] };
  if (argument.argChoices !== undefined) return begun(argument.argChoices, last);
  return { kind: kindOf(command, argument.name()) };
}

/** What an argument names: `NAME` is a machine among the verbs themselves, and something else below `tokens` or `lab`. */
function kindOf({ parent }: Command, name: string): "machines" | "images" | "files" {
  if (parent?.parent === null && machineArguments.includes(name)) return "machines";
  return parent?.name() === "image" && imageArguments.includes(name) ? "images" : "files";
}

/** The words that begin with what was written. */
export function begun(words: readonly string[], written: string): Candidates {
  return { kind: "words", words: words.filter((word) => word.startsWith(written)) };
}

const isNamed = (command: Command, word: string) => command.name() === word || command.aliases().includes(word);

/** The option that the next word is the value of. */
function valueWanted(command: Command, word: string): Option | undefined {
  const option = command.options.find(({ long, short }) => long === word || short === word);
  return option !== undefined && (option.required || option.optional) ? option : undefined;
}

function optionsOf(command: Command): readonly string[] {
  const options = command.createHelp().visibleOptions(command);
  return options.flatMap(({ long, short }) => long ?? short ?? []);
}

/** The argument at a position; the last one may take all further words. */
function argumentAt(command: Command, position: number): Argument | undefined {
  const { registeredArguments: all } = command;
  const last = all.at(-1);
  return all[position] ?? (last?.variadic === true ? last : undefined);
}

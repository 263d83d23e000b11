const pieces = /'([^']*)'|"([^"]*)"|([^\s"']+)|(\s+)|./g;

/**
 * The words of a command in GRUB's language, as far as our configuration uses it: quotes and variables (`$name`). Undefined
 * if a quote is not closed.
 */
export function grubWords(command: string, variables: ReadonlyMap<string, string>): readonly string[] | undefined {
  const words: string[] = [];
  let isOpen = false;
  for (const [, literal, quoted, plain, space] of command.trim().matchAll(pieces)) {
    const text = literal ?? expanded(quoted ?? plain, variables);
    if (space !== undefined) isOpen = false;
    else if (text === undefined) return undefined;
    else words.push(isOpen ? `${words.pop()}${text}` : text);
    if (space === undefined) isOpen = true;
  }
  return words;
}

function expanded(text: string | undefined, variables: ReadonlyMap<string, string>): string | undefined {
  return text?.replace(/\$(\w+)/g, (_, name: string) => variables.get(name) ?? "");
}

import { escapeCommands, plainText } from "../../core/bytes/plain-text.ts";
import type { OutputFormat } from "./formats.ts";

/** Writes a value for programs where `-o json` or `-o yaml` asks for it, as one document; returns whether it did. */
export async function printData(value: unknown, { output }: { readonly output: OutputFormat }): Promise<boolean> {
  if (output === "json") printJson(value);
  else if (output === "yaml") process.stdout.write(await yamlOf(value));
  else return false;
  return true;
}

/** The same for one value of a stream of them: a line of JSON, or a document of YAML after `---`. */
export async function printNext(value: unknown, { output }: { readonly output: OutputFormat }): Promise<boolean> {
  if (output === "json") process.stdout.write(`${escapeCommands(JSON.stringify(value))}\n`);
  else if (output === "yaml") process.stdout.write(`---\n${await yamlOf(value)}`);
  else return false;
  return true;
}

/** Whether `-o` asks for what `printData` writes. */
export function isData({ output }: { readonly output: OutputFormat }): boolean {
  return output === "json" || output === "yaml";
}

/** Writes a value as JSON, one document, for programs. */
export function printJson(value: unknown): void {
  process.stdout.write(`${escapeCommands(JSON.stringify(value, undefined, process.stdout.isTTY ? 2 : 0))}\n`);
}

/** A value as YAML that reads as exactly what its JSON reads as; a terminal obeys nothing in it. */
export async function yamlOf(value: unknown): Promise<string> {
  const { Document, visit } = await import("yaml");
  // Through JSON: neither absent members nor what only JSON.stringify knows how to write may make a difference.
  const document = new Document(JSON.parse(JSON.stringify(value)), { aliasDuplicateObjects: false });
  visit(document, {
    Scalar: (_, node) => {
      // Escapes mean something in this style only.
      if (typeof node.value === "string" && plainText(node.value) !== node.value) node.type = "QUOTE_DOUBLE";
    },
  });
  return escapeCommands(document.toString({ lineWidth: 0, doubleQuotedMinMultiLineLength: Number.MAX_SAFE_INTEGER }));
}

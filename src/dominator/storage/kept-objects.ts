import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { errorCode } from "../../core/error-code.ts";

/** Where a store says what it needs besides the contents of images: files with one name of an object a line. */
const keptIn = (directory: string) => join(directory, "kept");

/** Says that something needs these objects, and no longer those that it named before. */
export function keepObjects(directory: string, by: string, names: readonly string[]): void {
  mkdirSync(keptIn(directory), { recursive: true });
  const path = join(keptIn(directory), by);
  writeFileSync(`${path}.new`, names.map((name) => `${name}\n`).join(""), { flush: true });
  renameSync(`${path}.new`, path);
}

/** The objects that are needed besides the contents of images; undefined if nothing has said so, as before version 0.2. */
export function keptObjects(directory: string): readonly string[] | undefined {
  try {
    const files = readdirSync(keptIn(directory)).filter((name) => !name.endsWith(".new"));
    return files.flatMap((name) =>
      readFileSync(join(keptIn(directory), name), "utf8")
        .trim()
        .split("\n"),
    );
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

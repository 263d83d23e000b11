import { readFile } from "node:fs/promises";
import { parseDocument } from "yaml";
import { type Recipe, readRecipe } from "../../contract/recipe.ts";
import { failure } from "../api/failure.ts";

const next = "recipes/ has valid ones, and docs/images.md describes every key";

/** Reads and checks the file of a recipe; throws with all faults. */
export async function readRecipeFile(path: string): Promise<Recipe> {
  const text = await readFile(path, "utf8").catch((cause: NodeJS.ErrnoException) => {
    throw failure("misused", `${path}: expected the file of a recipe, found none to read (${cause.code})`, next);
  });
  const document = parseDocument(text, { prettyErrors: true, uniqueKeys: true });
  const [fault] = document.errors;
  if (fault !== undefined) throw failure("misused", `${path}: expected YAML, found: ${fault.message.trimEnd()}`, next);
  const result = readRecipe(document.toJS());
  if (result.kind === "faults") throw failure("misused", `${path}: ${result.faults}`, next);
  return result.recipe;
}

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { readRecipe } from "../../src/contract/recipe.ts";
import type { Log } from "../../src/core/ports.ts";
import { buildRecipe } from "../../src/dominator/import/recipe.ts";
import { cacheDirectory } from "../../src/main/paths.ts";

/** The recipes of the repository. */
export const recipeNames = ["compute", "storage", "debug"] as const;

/** The archive of a recipe: built, which needs the network, or found in the cache. */
export async function archiveFor(name: (typeof recipeNames)[number], log: Log, signal?: AbortSignal): Promise<string> {
  const file = join(import.meta.dirname, "../../recipes", `${name}.yaml`);
  const result = readRecipe(parse(readFileSync(file, "utf8")));
  if (result.kind === "faults") throw new Error(`${file}: ${result.faults}`);
  return await buildRecipe({ recipe: result.recipe, cacheDirectory, log, ...(signal && { signal }) });
}

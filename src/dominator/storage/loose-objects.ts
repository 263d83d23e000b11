import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { isObjectName } from "./sha512.ts";

/** The names of the objects of a store that are files of their own. */
export async function* looseObjects(directory: string): AsyncGenerator<string> {
  const isPart = (name: string) => /^[0-9a-f]{2}$/.test(name);
  for (const first of (await readdir(directory)).filter(isPart)) {
    for (const second of (await readdir(join(directory, first))).filter(isPart)) {
      for (const rest of await readdir(join(directory, first, second))) {
        const name = `${first}${second}${rest}`;
        if (isObjectName(name)) yield name;
      }
    }
  }
}

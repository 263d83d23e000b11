import { open, rename } from "node:fs/promises";
import { dirname } from "node:path";

/**
 * Puts a text in the place of a file, so that a reader finds the old one or the new one and never a half: written beside
 * it, made durable, renamed. Everybody may read it. Throws, naming the file; a file that was there is then as it was.
 */
export async function replaceFile(path: string, text: string | AsyncIterable<string>): Promise<void> {
  const draft = `${path}.new`;
  try {
    const file = await open(draft, "w", 0o644);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(draft, path);
    // The rename itself survives a power cut only when the directory is written (fsync(2)).
    const directory = await open(dirname(path));
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  } catch (cause) {
    throw new Error(`${path} could not be written`, { cause });
  }
}

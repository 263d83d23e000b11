import { open, rename } from "node:fs/promises";
import { dirname } from "node:path";

/**
 * Replaces a file atomically: written beside it, made durable, renamed, so that a reader finds the old or the new text.
 * The file is world-readable. Throws an error that names the file, leaving an existing file unchanged.
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
    // The rename survives a power cut only after the directory is written (fsync(2)).
    const directory = await open(dirname(path));
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  } catch (cause) {
    throw new Error(`writing ${path} failed`, { cause });
  }
}

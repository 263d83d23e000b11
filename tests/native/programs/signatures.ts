// Erases the signatures of a disk as a birth does; prints what was there, or why it failed, as JSON.
import { eraseSignatures } from "../../../src/init/device/disk/erase-signatures.ts";

const [, path = "", sizeBytes = ""] = scriptArgs;

function said(): object {
  try {
    return { found: eraseSignatures({ path, sizeBytes: Number(sizeBytes) }) };
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}
print(JSON.stringify(said()));

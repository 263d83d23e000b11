// Stores contents where not all of them have room; prints what is said of it, and of a small one after it. Argument: directory.
import * as host from "host";
import * as os from "os";
import { sha512Bytes } from "../../../src/init/system/sha512.ts";

const [, directory = ""] = scriptArgs;
const top = host.openRoot(directory);

function store(contents: readonly Uint8Array[]): string {
  let said = "";
  const note = (error: unknown) => {
    if (said === "") said = error instanceof Error ? error.message : String(error);
  };
  host.objectsBegin(top, contents.map((bytes) => `${sha512Bytes(bytes)} ${bytes.length}\n`).join(""), 0);
  try {
    for (const bytes of contents) host.objectsFeed(bytes.buffer as ArrayBuffer, 0, bytes.length);
  } catch (error) {
    note(error);
  }
  try {
    const stored = host.objectsEnd();
    return said === "" ? `stored ${stored}` : said;
  } catch (error) {
    note(error);
    return said;
  }
}

const contentOf = (byte: number, size: number) => new Uint8Array(size).fill(byte);
const small = contentOf(1, 1000);
const large = contentOf(2, 16 << 20);
const many = Array.from({ length: 40 }, (_, n) => contentOf(n, 300_000));
print(JSON.stringify({ large: store([small, large]), many: store(many), small: store([small]) }));
os.close(top);

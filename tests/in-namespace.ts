import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { startInNamespace } from "../src/lab/namespace.ts";

/**
 * Whether this process has a network namespace of its own, so that a test file may open DHCP and TFTP ports. If not, one
 * test is registered that runs the whole file in such a namespace, and the file has nothing more to do itself.
 */
export function isInNamespace(fileUrl: string): boolean {
  // "Inter-|…", " face |…", then a line an interface: a fresh namespace has the loopback one only.
  const interfaces = readFileSync("/proc/net/dev", "utf8").trim().split("\n").slice(2);
  if (interfaces.every((line) => line.trim().startsWith("lo:"))) return true;
  const file = fileURLToPath(fileUrl);
  test(`in a namespace of its own: ${file.split("/").at(-1)}`, { timeout: 120_000 }, async (context) => {
    // Without this the inner run would report to our runner in its own language.
    const env = { NODE_TEST_CONTEXT: undefined };
    const argv = [process.execPath, "--test", "--test-isolation=none", "--test-reporter=spec", file];
    const child = startInNamespace(argv, { stdio: ["ignore", "pipe", "inherit"], env });
    context.signal.addEventListener("abort", () => child.kill("SIGKILL"));
    let output = "";
    child.stdout?.on("data", (chunk: Buffer) => {
      output += chunk.toString();
    });
    const [status] = await once(child, "close");
    assert.equal(status, 0, output);
  });
  return false;
}

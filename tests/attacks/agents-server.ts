/**
 * A whole server whose machines are under attack by their own agents: `agents-server.ts CONFIG SOURCE MACHINES`. Imports the
 * directory as the image `compute`, gives birth to machines that are to run it, prints one line of JSON when it serves, their
 * credentials, and ends with its standard input.
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { checkConfig, formatFault } from "../../src/contract/config/parse.ts";
import { credentialFor } from "../../src/contract/credential.ts";
import { machineIdFromMac } from "../../src/core/machine/life/move.ts";
import { importImage } from "../../src/main/image-actions.ts";
import { startServer } from "../../src/main/server/server.ts";
import { hashSecret } from "../../src/mdb/http/credential.ts";
import { birthOf, testMac } from "../../src/mdb/testing/fleet.ts";

const [path = assert.fail(), source = assert.fail(), machines = assert.fail()] = process.argv.slice(2);
const checked = checkConfig(JSON.parse(readFileSync(path, "utf8")));
if (checked.kind !== "config") assert.fail(checked.faults.map(formatFault).join("; "));
const { config } = checked;
const ignored = { onProgress: () => {}, onNotCarried: () => {} };
await importImage({
  stateDirectory: config.stateDirectory,
  stream: "compute",
  source,
  confidential: false,
  ...ignored,
});
await using server = await startServer({ config, log: () => {} });
const credentials: string[] = [];
for (let n = 1; n <= Number(machines); n += 1) {
  const id = machineIdFromMac(testMac(n));
  const credential = credentialFor(id, `${n}`.padStart(64, "0"));
  for (const event of birthOf(n))
    await server.store.apply(
      event.kind === "becameHealthy" ? { ...event, subTokenHash: hashSecret(credential) } : event,
    );
  await server.store.apply({ kind: "detailsSet", id, by: "test", details: { requiredImage: "compute/1" } });
  credentials.push(credential);
}
process.stdout.write(`${JSON.stringify(credentials)}\n`);
process.stdin.resume();
await once(process.stdin, "end");

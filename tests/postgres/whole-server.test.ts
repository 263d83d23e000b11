import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { testConfig } from "../../src/contract/config/testing/test-config.ts";
import { pathsIn } from "../../src/main/paths.ts";
import { startServer } from "../../src/main/server/server.ts";
import { asks, testMac, until } from "../../src/mdb/testing/fleet.ts";
import { writeFakeBootFiles } from "../fake-boot-files.ts";
import { insideNamespace } from "../support/inside-namespace.ts";
import { startPostgres } from "./postgres-server.ts";

const log = () => {};

await insideNamespace(import.meta.url, () => {
  const parent = mkdtempSync(join(tmpdir(), "birther-two-"));
  after(() => rmSync(parent, { recursive: true }));
  const ip = (...text: string[]) => execFileSync("ip", text);
  ip("link", "set", "lo", "up");

  /** The configuration of the n-th server: its own rack and state directory, the shared database. */
  function configOf(n: number, database: string) {
    const name = `rack${n}`;
    ip("link", "add", name, "type", "bridge");
    ip("addr", "add", `10.77.${n}.1/24`, "dev", name);
    ip("link", "set", name, "up");
    const stateDirectory = join(parent, name);
    writeFakeBootFiles(stateDirectory);
    const address = (last: number) => `10.77.${n}.${last}`;
    const network = {
      name,
      interface: name,
      serverAddress: address(1),
      prefix: address(0).concat("/24"),
      nursery: true,
    };
    return testConfig({
      ...{ stateDirectory, database, operators: { addresses: [] } },
      networks: [{ ...network, temporaryPool: { first: address(50), last: address(250) } }],
      placement: {},
    });
  }

  test("each knows the other's records; each has its own state directory; one ends and the other continues", async () => {
    await using server = await startPostgres();
    const database = await server.createDatabase();
    const [first, second] = [configOf(1, database), configOf(2, database)];
    await using one = await startServer({ config: first, log });
    await assert.rejects(startServer({ config: first, log }), /another server uses this state directory/);
    await assert.rejects(
      startServer({ config: second, log }),
      /expected the certificate authority .*copy them from another server/,
    );
    cpSync(pathsIn(first.stateDirectory).pki, pathsIn(second.stateDirectory).pki, { recursive: true });
    {
      await using two = await startServer({ config: second, log });
      await Promise.all([one.store.apply(asks(1)), two.store.apply(asks(2))]);
      await until("each knows the other's", () => [one, two].every(({ store }) => store.list().length === 2));
      assert.deepEqual(
        [one, two].map(({ store }) => store.leads()),
        [true, false],
      );
    }
    assert.equal((await one.store.apply(asks(2))).kind, "changed");
    await using again = await startServer({ config: second, log });
    assert.equal(again.store.byMac(testMac(2))?.pxe.requests, 2);
  });

  test("two servers that start for the first time at once: one of them serves, the other one's authority is refused", async () => {
    await using server = await startPostgres();
    const database = await server.createDatabase();
    const configs = [configOf(3, database), configOf(4, database)];
    const starts = await Promise.allSettled(configs.map((config) => startServer({ config, log })));
    const running = starts.flatMap((start) => (start.status === "fulfilled" ? [start.value] : []));
    const refusals = starts.flatMap((start) => (start.status === "rejected" ? [String(start.reason)] : []));
    await Promise.all(running.map((one) => one[Symbol.asyncDispose]()));
    assert.equal(running.length, 1, "machines of the one would distrust the other");
    assert.match(refusals.join(), /does not hold the authority of this MDB: .* copy them from another server/);
  });
});

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { get } from "node:https";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { openApi } from "../../src/cli/api/api.ts";
import { testConfig } from "../../src/contract/config/testing/test-config.ts";
import { credentialFor } from "../../src/contract/credential.ts";
import type { ImageView } from "../../src/contract/operator/views.ts";
import { machineIdFromMac } from "../../src/core/machine/life/move.ts";
import { drawWholeSystem } from "../../src/dominator/testing/whole-system.ts";
import { importImage } from "../../src/main/image-actions.ts";
import { pathsIn } from "../../src/main/paths.ts";
import { startServer } from "../../src/main/server/server.ts";
import { hashSecret } from "../../src/mdb/http/credential.ts";
import { asks, birthOf, testMac, until } from "../../src/mdb/testing/fleet.ts";
import { writeFakeBootFiles } from "../fake-boot-files.ts";
import { insideNamespace, waitFor } from "../support/inside-namespace.ts";
import { responseTo } from "../support/response-to.ts";
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

  /** Two servers on a database of their own; the second one has the authority of the first. */
  async function startTwo(n: number, m: number) {
    await using started = new AsyncDisposableStack();
    const postgres = started.use(await startPostgres());
    const database = await postgres.createDatabase();
    const [first, second] = [configOf(n, database), configOf(m, database)];
    const one = started.use(await startServer({ config: first, log }));
    cpSync(pathsIn(first.stateDirectory).pki, pathsIn(second.stateDirectory).pki, { recursive: true });
    const two = started.use(await startServer({ config: second, log }));
    const running = started.move();
    return { first, second, one, two, [Symbol.asyncDispose]: () => running.disposeAsync() };
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

  test("an image that is imported on one server is soon on the other one", async () => {
    await using site = await startTwo(5, 6);
    const { first, second, one, two } = site;
    const source = join(parent, "source");
    drawWholeSystem(source);
    const { stateDirectory } = first;
    const ignore = { onProgress: () => undefined, onNotCarried: () => undefined };
    await importImage({
      ...{ stateDirectory, stream: "compute", source, confidential: false },
      reason: "fixes",
      ...ignore,
    });
    const listed = async ({ operatorSocket }: typeof one) => {
      const api = await openApi({ state: dirname(operatorSocket) });
      return (await api.ask<{ images: readonly ImageView[] }>("images")).images;
    };
    assert.equal((await listed(one))[0]?.name, "compute/1");
    const manifest = join(pathsIn(second.stateDirectory).images, "compute/1.json");
    await until("it is copied", () => existsSync(manifest), 60_000);
    const servers = await waitFor("both are named", 30, async () => {
      const [image] = await listed(two);
      return image?.servers?.length === 2 && image.notHere === undefined ? image.servers : undefined;
    });
    assert.deepEqual(servers.toSorted(), ["10.77.5.1:443", "10.77.6.1:443"]);
    // Who imported it is in the audit of both, once: the server where it came writes it.
    for (const { store } of [one, two]) {
      const entries = await waitFor("the import is in the audit", 30, async () => {
        const found = await store.audit({ subject: "compute/1", limit: 10 });
        return found.some(({ action }) => action === "import image") ? found : undefined;
      });
      const imports = entries.filter(({ action }) => action === "import image");
      assert.deepEqual(
        imports.map(({ by, request }) => [by, request?.reason]),
        [["uid:root", "fixes"]],
      );
    }
    assert.deepEqual(readFileSync(manifest), readFileSync(join(pathsIn(stateDirectory).images, "compute/1.json")));
  });

  test("a confidential image is served by each server, at its own port, to the machine that is to run it", async () => {
    await using site = await startTwo(7, 8);
    const { first, second, one, two } = site;
    const source = join(parent, "secret");
    drawWholeSystem(source);
    const ignore = { onProgress: () => undefined, onNotCarried: () => undefined };
    await importImage({ stateDirectory: first.stateDirectory, stream: "vault", source, confidential: true, ...ignore });
    const id = machineIdFromMac(testMac(1));
    const credential = credentialFor(id, "1".repeat(64));
    for (const event of birthOf(1))
      await one.store.apply(
        event.kind === "becameHealthy" ? { ...event, subTokenHash: hashSecret(credential) } : event,
      );
    await one.store.apply({ kind: "detailsSet", id, by: "test", details: { requiredImage: "vault/1" } });
    await until("the other one knows it", () => two.store.get(id)?.requiredImage === "vault/1");
    const packs = join(pathsIn(second.stateDirectory).confidentialObjects, "vault/packs");
    // A pack is there when it has its index, which gets its name last.
    const hasPack = () => existsSync(packs) && readdirSync(packs).some((name) => name.endsWith(".index"));
    await until("it is copied", hasPack, 60_000);
    const ca = readFileSync(join(pathsIn(first.stateDirectory).pki, "ca.pem"));
    const statusOf = async (n: number, directory: string, bearer: string) => {
      const [index = assert.fail()] = readdirSync(directory).filter((name) => name.endsWith(".index"));
      const headers = { authorization: `Bearer ${bearer}` };
      const options = { host: `10.77.${n}.1`, port: first.ports.confidential, ca, servername: "birther", agent: false };
      const asked = get({ ...options, path: `/packs/${index.replace(".index", "")}`, headers });
      const response = await responseTo(asked);
      response.resume();
      return Number(response.statusCode);
    };
    const own = join(pathsIn(first.stateDirectory).confidentialObjects, "vault/packs");
    for (const [n, directory] of [
      [7, own],
      [8, packs],
    ] as const) {
      assert.equal(await statusOf(n, directory, credential), 200);
      assert.equal(await statusOf(n, directory, credentialFor(id, "2".repeat(64))), 401);
    }
    await one.store.apply({ kind: "conditionSet", id, condition: "hold", reason: "suspected" });
    assert.equal(await statusOf(7, own, credential), 403);
    await until(
      "the other one knows the hold",
      () => two.store.get(id)?.conditions.some(({ kind }) => kind === "hold") === true,
    );
    assert.equal(await statusOf(8, packs, credential), 403);
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
    // It has made an authority of its own, or was so much later that it found the other one's.
    assert.match(refusals.join(), /of this MDB.* copy them from another server/);
  });
});

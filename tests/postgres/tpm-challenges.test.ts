import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { openApi } from "../../src/cli/api/api.ts";
import { paths } from "../../src/contract/machine/paths.ts";
import { machineIdFromMac } from "../../src/core/machine/life/move.ts";
import { pathsIn } from "../../src/main/paths.ts";
import { hashSecret } from "../../src/mdb/http/credential.ts";
import { asks, testMac, until } from "../../src/mdb/testing/fleet.ts";
import { writeFakeBootFiles } from "../fake-boot-files.ts";
import { makeTpm } from "../init/host/devices/tpm.ts";
import { insideNamespace, waitFor } from "../support/inside-namespace.ts";
import { responseTo } from "../support/response-to.ts";
import { bootWith } from "../support/tpm-boot.ts";
import { startPostgres } from "./postgres-server.ts";
import { retryingStore } from "./pounding.ts";

await insideNamespace(import.meta.url, () => {
  const parent = mkdtempSync(join(tmpdir(), "birther-tpm-"));
  after(() => rmSync(parent, { recursive: true }));
  const ip = (...text: string[]) => execFileSync("ip", text);
  ip("link", "set", "lo", "up");

  /** The n-th server: a process of its own, with its own rack and state directory on the shared database. */
  async function startBirther(n: number, database: string, authority?: string) {
    const [name, directory] = [`rack${n}`, join(parent, `state${n}`)];
    ip("link", "add", name, "type", "bridge");
    ip("addr", "add", `10.77.${n}.1/24`, "dev", name);
    ip("link", "set", name, "up");
    mkdirSync(directory);
    if (authority !== undefined) cpSync(authority, pathsIn(directory).pki, { recursive: true });
    writeFakeBootFiles(directory);
    const address = (last: number) => `10.77.${n}.${last}`;
    const network = {
      ...{ name, interface: name, serverAddress: address(1), prefix: `${address(0)}/24`, nursery: true },
      temporaryPool: { first: address(50), last: address(250) },
    };
    const config = join(parent, `${name}.json`);
    const settings = { stateDirectory: directory, database, operators: { addresses: [] }, placement: {} };
    writeFileSync(config, JSON.stringify({ ...settings, networks: [network] }));
    const server = new URL("./serving-process.ts", import.meta.url).pathname;
    const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", server, config], {
      stdio: ["ignore", "ignore", "inherit"],
    });
    await waitFor(`server ${n}`, 60, async () => {
      assert.equal(child.exitCode, null, "it ended");
      return await openApi({ state: directory })
        .then((api) => api.ask("ready"))
        .catch(() => undefined);
    });
    return { child, address: address(1), pki: pathsIn(directory).pki };
  }

  async function end(child: ChildProcess): Promise<void> {
    const ended = once(child, "close");
    child.kill("SIGTERM");
    await ended;
  }

  /** What a server answers to a machine's request for its order. */
  async function ask(server: { readonly address: string; readonly pki: string }, body: object) {
    const sent = request({
      ...{ host: server.address, port: 443, path: paths.order, method: "POST" },
      ...{ ca: readFileSync(join(server.pki, "ca.pem")), servername: "birther" },
      headers: { "content-type": "application/json" },
    });
    sent.end(JSON.stringify(body));
    const response = await responseTo(sent);
    const text = (await response.setEncoding("utf8").toArray()).join("");
    return { status: response.statusCode as number, body: JSON.parse(text) };
  }

  test("two server processes of one database: the challenge of the one to a TPM is answered at the other", async () => {
    await using postgres = await startPostgres();
    const database = await postgres.createDatabase();
    const one = await startBirther(1, database);
    const two = await startBirther(2, database, one.pki);
    await using store = await retryingStore(database);
    try {
      const token = "ab".repeat(32);
      await store.apply(asks(1));
      const id = machineIdFromMac(testMac(1));
      await store.apply({ kind: "orderIssued", id, tokenHash: hashSecret(token), expiresAtMs: Date.now() + 600_000 });
      const { report, answer } = bootWith(makeTpm());
      const machine = { token, mac: testMac(1), bootId: "boot-1", firmware: "uefi" };
      const challenged = await waitFor("the order at the first server", 60, async () => {
        const found = await ask(one, { ...machine, tpm: report });
        return found.status === 200 ? found : undefined;
      });
      const proof = answer(challenged.body.challenge);
      const stranger = bootWith(makeTpm()).answer;
      assert.throws(() => stranger(challenged.body.challenge), "another TPM cannot answer it");
      const again = await waitFor("the second server's answer", 60, async () => {
        const found = await ask(two, { ...machine, bootId: "boot-2", tpm: proof });
        return found.status === 200 ? found : undefined;
      });
      assert.ok("challenge" in again.body, "the proof of another boot is none");
      const taken = await waitFor("the order at the second server", 60, async () => {
        const found = await ask(two, { ...machine, tpm: proof });
        return found.status === 200 ? found : undefined;
      });
      assert.deepEqual([taken.body.machineId, taken.body.action], [id, "birth"]);
      await until("the binding", () => store.get(id)?.tpm !== undefined);
    } finally {
      await Promise.all([end(one.child), end(two.child)]);
    }
  });
});

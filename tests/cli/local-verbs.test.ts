import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import type { ImageView } from "../../src/contract/operator/views.ts";
import { drawWholeSystem } from "../../src/dominator/testing/whole-system.ts";
import { lockState } from "../../src/mdb/sqlite/state-lock.ts";
import { birther, outcomeOf, start } from "./birther-command.ts";

describe("verbs that need no server", () => {
  const parent = mkdtempSync(join(tmpdir(), "birther-verbs-"));
  after(() => rmSync(parent, { recursive: true }));

  test("help is fast: it loads only the verbs and the command-line library", async () => {
    // Not a test of time, because other tests use the computer too. With these modules it took 0.16 s of CPU time.
    const hook = `import { registerHooks } from "node:module";
      registerHooks({ load: (url, context, next) => { process.stderr.write(url + "\\n"); return next(url, context); } });`;
    const environment = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(hook)}` };
    for (const text of [["--help"], ["machines", "--help"], ["image", "import", "--help"], ["demo", "--help"]]) {
      const { status, out, err } = await outcomeOf(start(text, environment));
      assert.equal(status, 0, err);
      assert.match(out, /Usage: birther/);
      const loaded = err.split("\n");
      assert.ok(loaded.some((url) => url.endsWith("/src/main/cli.ts")));
      const much = /\/src\/(mdb|boot-server|dominator|bootstrap-image|lab)\/|\/node_modules\/(?!commander\/|valibot\/)/;
      assert.deepEqual(
        loaded.filter((url) => much.test(url)),
        [],
        text.join(" "),
      );
    }
  });

  test("config check: valid, with warnings, invalid, unreadable, not YAML", async () => {
    const file = join(parent, "birther.yaml");
    const good = `
networks:
  - name: rack
    interface: rack0
    serverAddress: 10.77.0.1
    prefix: 10.77.0.0/24
    temporaryPool: { first: 10.77.0.50, last: 10.77.0.250 }
    nursery: true
`;
    writeFileSync(file, good);
    const doubtful = await birther("config", "check", file);
    assert.deepEqual([doubtful.status, doubtful.out], [0, `${file}: no faults\n`]);
    assert.match(doubtful.err, /warning: .*placement\.rules: expected at least one rule .*, found none/);
    writeFileSync(file, good.replace("10.77.0.1", "10.78.0.1").replace("nursery", "nurserry"));
    const wrong = await birther("config", "check", file);
    assert.equal(wrong.status, 2);
    assert.match(wrong.err, /networks\[0\]\.nurserry: expected the key nursery, found the unknown key nurserry/);
    writeFileSync(file, "networks: [\n");
    assert.match((await birther("config", "check", file)).err, /birther\.yaml: .*line 2/);
    const missing = await birther("config", "check", join(parent, "none.yaml"));
    assert.deepEqual(
      [missing.status, /none\.yaml: expected a configuration file, found none/.test(missing.err)],
      [2, true],
    );
  });

  test("plan: the slots of a site as a table and as CSV; collisions are faults of the configuration; plan try", async () => {
    const file = join(parent, "plan.yaml");
    const config = (step: number) => `
networks:
  - { name: rack, interface: rack0, serverAddress: 10.64.0.1, prefix: 10.64.0.0/16, nursery: true,
      temporaryPool: { first: 10.64.255.1, last: 10.64.255.250 } }
placement:
  rules:
    - { switch: 'tor-(?<rack>\\d+)', port: 'swp(?<unit>\\d+)', hostname: 'r{rack:2}u{unit:2}',
        address: { first: 10.64.1.0, step: { rack: ${step}, unit: 1 } } }
    - { source: option82, switch: 'leaf-(?<rack>\\d+)', port: '1/(?<unit>\\d+)', hostname: 'r{rack:2}u{unit:2}',
        address: { first: 10.64.1.0, step: { rack: ${step}, unit: 1 } } }
site:
  - { racks: 1-100, units: 1-40, switch: 'tor-{rack}', port: 'swp{unit}' }
`;
    writeFileSync(file, config(64));
    assert.equal((await birther("config", "check", file)).status, 0);
    const plan = await birther("plan", "--config", file, "-o", "csv");
    assert.deepEqual([plan.status, plan.out.split("\r\n").length], [0, 4002]);
    assert.match(
      plan.out,
      /^rack,unit,switch,port,hostname,address,ipv6,profile,fault\r\n1,1,tor-1,swp1,r01u01,10\.64\.1\.65,,,\r\n/,
    );
    const head = start(["plan", "--config", file, "-o", "csv"]);
    const said = head.stderr?.setEncoding("utf8").toArray();
    head.stdout?.once("data", () => head.stdout?.destroy());
    const [ended] = await once(head, "close");
    assert.deepEqual([ended, await said], [0, []], "a reader that has seen enough, such as head, is no fault");
    const tried = await birther("plan", "try", "tor-17", "swp4", "--config", file);
    assert.deepEqual([tried.status, tried.out], [0, "r17u04 10.64.5.68: rack 17, unit 4\n"]);
    const beyond = await birther("plan", "try", "tor-17", "swp69", "--config", file);
    assert.deepEqual(
      [beyond.status, beyond.out, beyond.err],
      [
        1,
        "r17u69 10.64.5.133: rack 17, unit 69\nthe address 10.64.5.133 is also of rack 18 unit 5 (tor-18 swp5)\n",
        "the section site expects no machine in this slot\n",
      ],
    );
    const lost = await birther("plan", "try", "core-1", "swp4", "--config", file);
    assert.deepEqual([lost.status, /the only placement rule does not match/.test(lost.out)], [1, true]);
    const others = await birther("plan", "try", "leaf-17", "1/4", "--source", "option82", "--config", file);
    assert.deepEqual([others.status, others.out], [0, "r17u04 10.64.5.68: rack 17, unit 4, by DHCP option 82\n"]);
    const word = await birther("plan", "try", "tor-17", "swp4", "--source", "operator", "--config", file, "-o", "json");
    assert.deepEqual([word.status, JSON.parse(word.out).source], [0, "operator"]);
    const frame = join(import.meta.dirname, "../captures/field/lldp/catalyst-with-operator-text.hex");
    const heard = await birther("plan", "try", "--frame", frame, "--config", file);
    assert.equal(heard.status, 1, heard.err);
    assert.match(heard.err, /^LLDP: switch "/m);
    assert.match(heard.out, /the only placement rule does not match switch "/);
    const none = await birther("plan", "try", "--frame", file, "--config", file);
    assert.equal(none.status, 2);
    assert.match(none.err, /expected a pcap file, or the hex digits of a frame on each line/);
    assert.equal((await birther("plan", "try", "--config", file)).status, 2);
    writeFileSync(file, config(20));
    const wrong = await birther("config", "check", file);
    assert.equal(wrong.status, 2);
    assert.match(
      wrong.err,
      /site: expected an address of its own for each slot, found 3,960 slots without: the address 10\.64\.1\.41/,
    );
    assert.equal((await birther("plan", "--config", file)).status, 1, "the plan shows them");
  });

  test("image import: Ctrl-C within a file adds no image and leaves no draft; the next import succeeds", async () => {
    const tree = join(parent, "interrupted-tree");
    const state = join(parent, "interrupted-state");
    const drafts = join(state, "objects", "drafts");
    mkdirSync(tree);
    drawWholeSystem(tree);
    writeFileSync(join(tree, "large"), "");
    truncateSync(join(tree, "large"), 2 ** 31);
    const words = ["image", "import", "compute", tree, "--state", state];
    const running = start(words);
    const outcome = outcomeOf(running);
    while (running.exitCode === null && !(existsSync(drafts) && readdirSync(drafts).length > 0)) await wait(5);
    running.kill("SIGINT");
    const { status, err } = await outcome;
    assert.equal(status, 130, err);
    assert.match(err, /import interrupted; no image was added\n *the same command continues it/);
    assert.deepEqual(readdirSync(drafts), []);
    assert.deepEqual(JSON.parse((await birther("image", "list", "-o", "json", "--state", state)).out), []);
    truncateSync(join(tree, "large"), 1);
    assert.match((await birther(...words)).out, /^compute\/1: 15 paths, 2 B\n$/);
  });

  test("image import, list", async () => {
    const tree = join(parent, "tree");
    mkdirSync(join(tree, "etc"), { recursive: true });
    const mistyped = join(parent, "sate");
    for (const verb of [["import", "compute", join(parent, "none")], ["list"], ["verify"]]) {
      const { status, err } = await birther("image", ...verb, "--state", mistyped);
      assert.deepEqual(
        [status, /expected a (directory or a tar file|state directory), found nothing/.test(err)],
        [1, true],
      );
      assert.equal(existsSync(mistyped), false, "nothing is made for it");
    }
    const refused = await birther("image", "import", "compute", tree, "--state", join(parent, "state"));
    assert.deepEqual([refused.status, /found one that lacks systemd/.test(refused.err)], [1, true]);
    drawWholeSystem(tree);
    writeFileSync(join(tree, "etc", "motd"), "hello\n");
    const state = join(parent, "state");
    assert.match(
      (await birther("image", "import", "compute", tree, "--state", state)).out,
      /^compute\/1: 16 paths, 7 B\n$/,
    );
    assert.match((await birther("image", "import", "compute/2", tree, "--state", state)).out, /^compute\/2/);
    const again = await birther("image", "import", "compute/2", tree, "--state", state);
    assert.deepEqual([again.status, /expected compute\/3, found compute\/2/.test(again.err)], [1, true]);
    const list = JSON.parse((await birther("image", "list", "-o", "json", "--state", state)).out);
    assert.deepEqual(
      list.map((image: ImageView) => image.name),
      ["compute/1", "compute/2"],
    );
    const secret = await birther("image", "import", "vault", tree, "--confidential", "--state", state);
    assert.equal(secret.status, 0, secret.err);
    const table = await birther("image", "list", "--state", state);
    assert.match(table.out, /^compute\/2 .* -$/m);
    assert.match(table.out, /^vault\/1 .* confidential$/m);
    assert.match(table.err, /^no server runs here, and only the server knows which versions are current/m);
    assert.ok(existsSync(join(state, "objects")));
    const both = await Promise.all([1, 2].map(() => birther("image", "import", "compute", tree, "--state", state)));
    assert.deepEqual(
      both.map(({ out }) => out.split(":")[0]).sort(),
      ["compute/3", "compute/4"],
      "two imports at once",
    );
    assert.match((await birther("image", "verify", "--state", state)).out, /all contents are intact/);
  });

  test("image build while another process builds for the same state directory: refused, with the next step", async () => {
    const state = join(parent, "building");
    mkdirSync(state);
    using _builder = lockState(join(state, "build-lock.sqlite"));
    for (const verb of ["build", "info"]) {
      const { status, err } = await birther("image", verb, "--state", state);
      assert.equal(status, 1);
      assert.match(err, /another process builds the Bootstrap Image of .*building; wait until it has ended, and run/);
    }
    assert.equal(existsSync(join(state, "bootstrap")), false, "nothing was touched");
  });
});

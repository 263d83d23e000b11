import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { bundleForQuickJs } from "../../src/bootstrap-image/program/bundle.ts";
import { native } from "../native/native-program.ts";
import { layWire } from "../real-clients/wire.ts";
import { insideNamespace } from "../support/inside-namespace.ts";
import { testSeed } from "../support/seed.ts";
import { repeatAttack } from "./attack.ts";

/** The real receivers of init against a hostile switch and a hostile DHCP server; `HOSTILE_WIRE_SECONDS` for each. */
const seconds = Number(process.env.HOSTILE_WIRE_SECONDS ?? 5);
const mac = "52:54:00:0a:0b:01";
/** AddressSanitizer keeps what was freed. */
const maxPeakKiB = (process.env.NATIVE_BUILD === "sanitized" ? 512 : 96) << 10;

await insideNamespace(import.meta.url, () => {
  const directory = mkdtempSync(join(tmpdir(), "birther-hostile-"));
  const script = join(directory, "hostile-wire.js");
  before(async () => {
    const entry = join(import.meta.dirname, "../native/programs/hostile-wire.ts");
    writeFileSync(script, await bundleForQuickJs({ entry }));
  });
  after(() => rmSync(directory, { recursive: true }));

  async function attack(what: "lldp" | "dhcp") {
    await using wire = await layWire({ mac, addresses: [] });
    const program = [await native, script, what, wire.clientInterface, mac, String(seconds)];
    await using sender = await startSender(what, wire.serverInterface);
    const machine = await wire.run(program, seconds + 60);
    const sent = await sender.end();
    return { machine, said: `${machine.output.slice(-2000)} ${sent}`, sent };
  }
  /** The sender, which has begun, and sends until it is told to end: a machine must not be done before it. */
  async function startSender(what: "lldp" | "dhcp", device: string) {
    const args = [join(import.meta.dirname, "hostile-sender.ts"), what, device, mac, String(testSeed)];
    const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", ...args], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    const closed = once(child, "close");
    let said = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      said += text;
    });
    await Promise.race([once(child.stdout, "data"), closed]);
    const end = async () => {
      child.stdin.end();
      const [status] = await closed;
      assert.equal(status, 0, said);
      return said.split("\n").at(-2) ?? "";
    };
    return {
      end,
      [Symbol.asyncDispose]: async () => {
        child.kill("SIGKILL");
        await closed;
      },
    };
  }
  function faultOf(machine: { status: number; output: string }): string | undefined {
    if (machine.status !== 0) return `the program ended with status ${machine.status}: ${machine.output.slice(-2000)}`;
    const { peakKiB, lines } = JSON.parse(machine.output);
    if (peakKiB > maxPeakKiB) return `it took ${peakKiB} KiB`;
    return lines > 20 ? `${lines} lines in the log` : undefined;
  }

  test("mutated LLDP frames without end neither hide the switch nor fill the log", { timeout: 600_000 }, (t) =>
    repeatAttack(t, 1, async () => {
      const { machine, said, sent } = await attack("lldp");
      t.diagnostic(sent.trim());
      const fault = faultOf(machine);
      if (fault !== undefined) return fault;
      const { heard } = JSON.parse(machine.output) as { heard: readonly { switchName: string }[] };
      if (heard.length > 16) return `${heard.length} neighbours`;
      return heard.some(({ switchName }) => switchName === "the-true-switch") ? undefined : `not found: ${said}`;
    }),
  );

  test("mutated DHCP replies without end give no address that no host can have", { timeout: 600_000 }, (t) =>
    repeatAttack(t, 2, async () => {
      const { machine, sent } = await attack("dhcp");
      t.diagnostic(sent.trim());
      const fault = faultOf(machine);
      if (fault !== undefined) return fault;
      const { place } = JSON.parse(machine.output) as { place?: { address: number; prefixLength: number } };
      if (place === undefined) return undefined;
      const first = place.address >>> 24;
      const isHost = first > 0 && first >> 4 !== 14 && first !== 127 && place.address !== 0xffffffff;
      return isHost && place.prefixLength > 0 ? undefined : `took ${JSON.stringify(place)}`;
    }),
  );
});

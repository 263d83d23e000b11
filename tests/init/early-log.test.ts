import assert from "node:assert/strict";
import { test } from "node:test";
import { readUnverified } from "../../src/core/machine/unverified-line.ts";
import { mac, rackMachine } from "./machine.ts";
import { openSite } from "./site/site.ts";

const unverifiedOf = (lines: readonly string[]) => lines.map(readUnverified).filter((line) => line !== undefined);

test("TLS never comes up: init's lines and the kernel's reach the log by UDP, with the reason", (t) => {
  const site = openSite();
  t.after(site.close);
  const kernelRecords = "6,1,2100000,-;eth0: Link is Up\n4,2,2200000,-;eth0: no firmware\n7,3,2300000,-;of drivers\n";
  const { listeners } = site;
  const port = listeners.get("10.77.0.1:443");
  assert.ok(port?.tls);
  const wrong = { ...port, tls: { ...port.tls, caPem: "another authority" } };
  const wire = { listeners: new Map([...listeners, ["10.77.0.1:443", wrong]]) };
  const { end } = rackMachine(site, { kernelRecords }).bootInit({ wire });
  assert.deepEqual(end, { kind: "restarted", how: "restart" });
  const lines = unverifiedOf(site.log(mac));
  assert.deepEqual(
    lines.map(({ sequence }) => sequence),
    lines.map((_, at) => at + 1),
  );
  const text = lines.map((line) => line.text).join("\n");
  assert.match(text, /kernel: eth0: Link is Up\n.*kernel: eth0: no firmware\n/);
  assert.doesNotMatch(text, /of drivers/);
  assert.match(text, /WARN: the MDB does not answer, trying again .*not correctly signed by the trusted CA/);
  assert.match(text, /ERROR: ask for the order: the MDB has not answered for 120 s: .*trusted CA/);
});

test("TLS comes up: every line is verified once, and none is sent by UDP after that", (t) => {
  const site = openSite();
  t.after(site.close);
  const kernelRecords = "6,1,2100000,-;eth0: Link is Up\n";
  let datagrams = 0;
  const atReport: number[] = [];
  const { datagram } = site;
  const { listeners } = site;
  const mdb = listeners.get("10.77.0.1:443");
  assert.ok(mdb);
  const counted = {
    ...mdb,
    connect: (client: string) => {
      const server = mdb.connect(client);
      return {
        ...server,
        exchange: (bytes: Uint8Array) => {
          atReport.push(datagrams);
          return server.exchange(bytes);
        },
      };
    },
  };
  const wire = {
    listeners: new Map([...listeners, ["10.77.0.1:443", counted]]),
    datagram: (...sent: Parameters<typeof datagram>) => {
      datagrams += 1;
      datagram(...sent);
    },
  };
  const { end, kernel } = rackMachine(site, { kernelRecords }).bootInit({ wire });
  assert.equal(end.kind, "switchedRoot", kernel.screen.join("\n"));
  const [order = 0, report = 0] = atReport;
  assert.ok(order > 5, `${order} lines came before the request for the order`);
  assert.ok(report > order);
  assert.equal(datagrams, report, "lines were sent by UDP after the first report");
  const lines = site.log(mac);
  assert.deepEqual(unverifiedOf(lines), []);
  for (const said of ["kernel: eth0: Link is Up", "log lines also go to the Boot Server", "order taken"])
    assert.equal(lines.filter((line) => line.includes(said)).length, 1, said);
});

test("UDP that loses datagrams costs no line once TLS is up", (t) => {
  const site = openSite();
  t.after(site.close);
  let count = 0;
  const datagram: typeof site.datagram = (...sent) => {
    count += 1;
    if (count % 3 !== 0) site.datagram(...sent);
    if (count % 5 === 0) site.datagram(...sent);
  };
  const { end, kernel } = rackMachine(site).bootInit({ wire: { datagram } });
  assert.equal(end.kind, "switchedRoot", kernel.screen.join("\n"));
  assert.ok(count > 5);
  const lines = site.log(mac).filter((line) => line.startsWith("["));
  assert.deepEqual(unverifiedOf(site.log(mac)), []);
  const shown = kernel.screen.filter((line) => /^\[ *[\d.]+\] /.test(line));
  assert.ok(lines.length > 20);
  assert.deepEqual(lines, shown.slice(0, lines.length));
});

test("a server that takes no lines by UDP names no port, and init sends nothing", (t) => {
  const site = openSite({ config: { machineLogs: { udpPort: 0 } } });
  t.after(site.close);
  let datagrams = 0;
  const { end, answer } = rackMachine(site).bootInit({ wire: { datagram: () => (datagrams += 1) } });
  assert.equal(end.kind, "switchedRoot");
  assert.ok(answer.kind === "bootstrapImage" && !answer.commandLine.includes("birther.log"));
  assert.equal(datagrams, 0);
});

test("a port where nobody listens, and a kernel without UDP, do not change a birth", (t) => {
  for (const call of ["udpConnect", "packetSend"]) {
    const site = openSite();
    t.after(site.close);
    const about = call === "packetSend" ? /:514$/ : undefined;
    const troubles = [{ call, ...(about && { about }), trouble: { kind: "fails", errno: "ECONNREFUSED" } }] as const;
    const { end, kernel } = rackMachine(site).bootInit({ troubles });
    assert.equal(end.kind, "switchedRoot", kernel.screen.join("\n"));
    assert.ok(kernel.cpu.struck() > 0);
    assert.deepEqual(unverifiedOf(site.log(mac)), []);
  }
});

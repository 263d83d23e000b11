import assert from "node:assert/strict";
import { test } from "node:test";
import { parseIpv4 } from "../net/ipv4.ts";
import { ip } from "../net/testing/addresses.ts";
import { readBootSettings } from "./boot-settings.ts";

const good =
  "birther.token=0123456789abcdef birther.mdb=10.77.0.1:443 birther.mac=52:54:00:00:00:01 birther.ip=10.77.0.50/24 birther.http=10.77.0.1:80 console=ttyS0";

test("the boot script's settings", () => {
  assert.deepEqual(readBootSettings(`${good} birther.gw=10.77.0.1\n`), {
    kind: "settings",
    settings: {
      token: "0123456789abcdef",
      mdb: { address: parseIpv4("10.77.0.1"), port: 443 },
      http: { address: parseIpv4("10.77.0.1"), port: 80 },
      mac: "52:54:00:00:00:01",
      address: parseIpv4("10.77.0.50"),
      prefixLength: 24,
      gateway: parseIpv4("10.77.0.1"),
    },
  });
});

test("a gateway is not needed, and the last of two parameters counts", () => {
  const reading = readBootSettings(`birther.token=00 ${good}`);
  assert.equal(reading.kind === "settings" && reading.settings.gateway, undefined);
});

test("the server's time, in milliseconds", () => {
  const reading = readBootSettings(`${good} birther.time=1800000000`);
  assert.equal(reading.kind === "settings" && reading.settings.serverMs, 1_800_000_000_000);
});

test("the place for log lines; without one, or with one that cannot be read, the birth goes on", () => {
  const logOf = (line: string) => {
    const reading = readBootSettings(line);
    return reading.kind === "settings" ? reading.settings.log : assert.fail(reading.reason);
  };
  assert.deepEqual(logOf(`${good} birther.log=10.77.0.1:514`), { address: ip("10.77.0.1"), port: 514 });
  for (const line of [good, `${good} birther.log=`, `${good} birther.log=here`]) assert.equal(logOf(line), undefined);
});

const bad: readonly { title: string; line: string; reason: RegExp }[] = [
  {
    title: "nothing",
    line: "quiet",
    reason: /birther\.token: .* found nothing.*birther\.mdb: .* found nothing.*birther\.ip: .* found nothing/,
  },
  {
    title: "an invalid token",
    line: good.replace("0123456789abcdef", "../"),
    reason: /birther\.token: expected hex digits, found \.\.\//,
  },
  {
    title: "a port beyond 65535",
    line: good.replace(":443", ":70000"),
    reason: /birther\.mdb: expected .*, found 10\.77\.0\.1:70000/,
  },
  {
    title: "an address without length",
    line: good.replace("/24", ""),
    reason: /birther\.ip: expected .*, found 10\.77\.0\.50/,
  },
  { title: "a length beyond 32", line: good.replace("/24", "/33"), reason: /birther\.ip: expected/ },
  { title: "an invalid MAC", line: good.replace("52:54", "zz:54"), reason: /birther\.mac: expected/ },
  {
    title: "an invalid time",
    line: `${good} birther.time=soon`,
    reason: /birther\.time: expected seconds .*, found soon/,
  },
  { title: "an invalid gateway", line: `${good} birther.gw=here`, reason: /birther\.gw: expected .*, found here/ },
];
for (const row of bad) {
  test(`invalid settings: ${row.title}`, () => {
    const reading = readBootSettings(row.line);
    assert.match(reading.kind === "refused" ? reading.reason : "", row.reason);
  });
}

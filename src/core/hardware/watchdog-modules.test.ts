import assert from "node:assert/strict";
import { test } from "node:test";
import type { Tree } from "./system-tree.ts";
import { scanWatchdog, watchdogModules } from "./watchdog-modules.ts";

function treeWith(directories: { readonly [path: string]: readonly string[] }): Tree {
  return { text: () => "", list: (path) => directories[path] ?? [], target: () => "" };
}
const superIo = ["w83627hf_wdt", "it87_wdt", "f71808e_wdt"];

const rows: readonly {
  title: string;
  directories: { [path: string]: readonly string[] };
  modules: readonly string[];
}[] = [
  { title: "no management controller", directories: {}, modules: [...superIo, "softdog"] },
  {
    title: "one that ipmi_devintf shows",
    directories: { "/sys/class/ipmi": ["ipmi0"] },
    modules: ["ipmi_watchdog", ...superIo, "softdog"],
  },
  {
    title: "one that ipmi_si has found",
    directories: { "/sys/bus/platform/drivers/ipmi_si": ["bind", "dmi-ipmi-si.0", "uevent", "unbind"] },
    modules: ["ipmi_watchdog", ...superIo, "softdog"],
  },
  {
    title: "one on SMBus, as in arm64 servers",
    directories: { "/sys/bus/i2c/drivers/ipmi_ssif": ["bind", "i2c-IPI0001:00", "uevent", "unbind"] },
    modules: ["ipmi_watchdog", ...superIo, "softdog"],
  },
  {
    title: "ipmi_ssif without an interface",
    directories: { "/sys/bus/i2c/drivers/ipmi_ssif": ["bind", "module", "uevent", "unbind"] },
    modules: [...superIo, "softdog"],
  },
  {
    title: "ipmi_si without an interface",
    directories: { "/sys/bus/platform/drivers/ipmi_si": ["bind", "module", "uevent", "unbind"] },
    modules: [...superIo, "softdog"],
  },
];
for (const { title, directories, modules } of rows) {
  test(`watchdog drivers: ${title}`, () => {
    const tried = watchdogModules(treeWith(directories)).map(({ module }) => module);
    assert.deepEqual(tried, modules);
  });
}

test("the watchdog on the record: a software watchdog is marked, a management controller's is outside the class", () => {
  const identity = (text: string): Tree => ({
    ...treeWith({ "/sys/class/watchdog": ["watchdog0"] }),
    text: () => text,
  });
  assert.equal(scanWatchdog(identity("i6300ESB timer\n")), "i6300ESB timer");
  assert.match(scanWatchdog(identity("Software Watchdog\n")), /^Software Watchdog \(software/);
  const ipmi = { "/sys/module/ipmi_watchdog": ["refcnt"], "/sys/class/misc": ["rtc", "watchdog"] };
  assert.equal(scanWatchdog(treeWith(ipmi)), "IPMI");
  assert.equal(scanWatchdog(treeWith({ ...ipmi, "/sys/class/misc": [] })), "");
  assert.equal(scanWatchdog(treeWith({})), "");
});

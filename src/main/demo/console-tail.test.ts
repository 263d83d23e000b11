import assert from "node:assert/strict";
import { test } from "node:test";
import { consoleTail, lastLines } from "./console-tail.ts";

test("the last lines of a console are plain text, without blank lines", () => {
  const grub = "\x1b[0;30;47mWelcome t\x1b[25;09Ho GRUB!\x1b[01;01H\x1b[0m\r\n\r\n";
  const kernel = "\x1b[?7l\x1b[2J[    0.000000] Linux version 6.1\r\n\x07\r\n[    0.5] NMI watchdog  \r\n";
  assert.deepEqual(lastLines(grub + kernel, 3), [
    " Welcome t o GRUB!",
    "  [    0.000000] Linux version 6.1",
    "[    0.5] NMI watchdog",
  ]);
  assert.deepEqual(lastLines(grub + kernel, 1), ["[    0.5] NMI watchdog"]);
  assert.deepEqual(lastLines("", 5), []);
});

test("a missing console log has no last lines", () => {
  assert.deepEqual(consoleTail("/nonexistent/console.log", 5), []);
});

import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { parseArgs } from "node:util";
import { ensurePackages } from "../../src/bootstrap-image/install-packages.ts";
import { openLog } from "../../src/log/structured-log.ts";
import { screenPage } from "./screen-html.ts";

const columns = 100;
const rows = 24;
const machines = 3;
const captureEveryMs = 3000;
/** A demo that has not ended by then is broken. */
const limitMs = 30 * 60_000;
/** Every captured screen, so that another one can be chosen: `demo-picture --from build/screenshot/0123.ansi`. */
const screens = "build/screenshot";
const picture = "docs/pictures/demo.png";

const log = openLog({ json: false, least: "info" });
const { values } = parseArgs({ options: { from: { type: "string" } } });
await ensurePackages(["tmux", "chromium", "fonts-dejavu-core"], log);
if (values.from === undefined) await recordDemo();
const chosen = values.from ?? join(screens, "chosen.ansi");
renderPicture(readFileSync(chosen, "utf8"));
log("info", "rendered", { screen: chosen, picture });

/** Runs the demo in a terminal of its own until all machines are up, and keeps the screen that shows most. */
async function recordDemo(): Promise<void> {
  mkdirSync(screens, { recursive: true });
  // A tmux server of its own, without anybody's configuration.
  const tmux = (...rest: readonly string[]) =>
    execFileSync("tmux", ["-L", `birther-picture-${process.pid}`, "-f", "/dev/null", ...rest], { encoding: "utf8" });
  tmux("new-session", "-d", "-x", String(columns), "-y", String(rows), "env PS1='$ ' bash --norc --noprofile");
  try {
    tmux("send-keys", "clear", "Enter", `./birther demo --machines ${machines}`, "Enter");
    let best = { score: -1, screen: "" };
    for (let count = 0; count * captureEveryMs < limitMs; count += 1) {
      await setTimeout(captureEveryMs);
      const screen = tmux("capture-pane", "-e", "-p");
      writeFileSync(join(screens, `${String(count).padStart(4, "0")}.ansi`), screen);
      const score = variety(screen);
      if (score >= best.score) best = { score, screen };
      if (screen.includes(`, ${machines} up`)) break;
    }
    writeFileSync(join(screens, "chosen.ansi"), best.screen);
    tmux("send-keys", "C-c");
    await setTimeout(captureEveryMs);
  } finally {
    tmux("kill-server");
  }
}

/** How much a screen shows: first the number of different phases, then how far apart they are. A bar's length is a phase. */
function variety(screen: string): number {
  const bars = screen
    .split("\n")
    .map((line) => line.split("━").length - 1)
    .filter((length) => length > 0);
  return bars.length === 0 ? 0 : new Set(bars).size * 100 + Math.max(...bars) - Math.min(...bars);
}

/** Renders a captured screen as a PNG of twice the size, for sharp text on any display. */
function renderPicture(screen: string): void {
  const directory = mkdtempSync(join(tmpdir(), "birther-picture-"));
  try {
    const { html, width, height } = screenPage(screen, columns);
    const page = join(directory, "screen.html");
    writeFileSync(page, html);
    execFileSync(
      "chromium",
      [
        ...["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        ...["--disable-component-update", "--disable-sync", "--no-first-run", "--hide-scrollbars"],
        ...[`--user-data-dir=${join(directory, "profile")}`, "--force-device-scale-factor=2"],
        ...[`--window-size=${width},${height}`, `--screenshot=${join(directory, "screen.png")}`, `file://${page}`],
      ],
      { stdio: "ignore" },
    );
    writeFileSync(picture, readFileSync(join(directory, "screen.png")));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

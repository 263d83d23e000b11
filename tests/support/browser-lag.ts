import type { Page } from "playwright-core";
import { below, chanceOf } from "./chance.ts";
import { testSeed } from "./seed.ts";

/** `TEST_LAG=MS ./test dashboard`: the longest delay of an answer, in milliseconds; 0 without it. */
const lagMs = Number(process.env.TEST_LAG ?? 0);
if (!Number.isInteger(lagMs) || lagMs < 0) {
  throw new Error(`TEST_LAG: expected a whole number of milliseconds, found "${process.env.TEST_LAG}"`);
}

/** How many times slower the processor of a page is than this computer's. */
const slowdown = 6;

/** Frames come late, each by another time. */
const lateFrames = `
  const ask = requestAnimationFrame;
  globalThis.requestAnimationFrame = (draw) => ask(() => setTimeout(() => draw(performance.now()), ${lagMs / 5} * Math.random()));
`;

/**
 * With `TEST_LAG`, a page whose server is far away and whose computer is slow: each answer begins after another time up to that
 * long, so that answers overtake each other. What a test believes about their order, or a screen about its own, fails.
 */
export async function lag(page: Page): Promise<void> {
  if (lagMs === 0) return;
  const chance = chanceOf(testSeed);
  await page.addInitScript({ content: lateFrames });
  const inspector = await page.context().newCDPSession(page);
  await inspector.send("Emulation.setCPUThrottlingRate", { rate: slowdown });
  inspector.on("Fetch.requestPaused", ({ requestId }) => {
    // The page may have gone by then.
    setTimeout(() => void inspector.send("Fetch.continueRequest", { requestId }).catch(() => {}), below(chance, lagMs));
  });
  await inspector.send("Fetch.enable", { patterns: [{ requestStage: "Response" }] });
}

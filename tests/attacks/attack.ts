import assert from "node:assert/strict";
import type { TestContext } from "node:test";

/** One attempt of an attack: why it succeeded, or undefined if the program held. */
export type Attempt = (round: number) => Promise<string | undefined>;

/** Repeats an attack, prints how many attempts were made and held, and fails with the reasons of those that succeeded. */
export async function repeatAttack(t: TestContext, rounds: number, attempt: Attempt): Promise<void> {
  const broken: string[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const reason = await attempt(round);
    if (reason !== undefined) broken.push(`round ${round}: ${reason}`);
  }
  t.diagnostic(`${rounds} tried, ${rounds - broken.length} held`);
  assert.deepEqual(broken, []);
}

/**
 * The seed of everything random in tests: property tests, mutated packets, bad wires, moments at which a process is killed.
 * `TEST_SEED=N ./test …` repeats a run; without it each run has its own. `./test` prints it.
 */
const given = process.env.TEST_SEED;
if (given !== undefined && !/^\d{1,9}$/.test(given)) {
  throw new Error(`TEST_SEED: expected a whole number of at most nine digits, found "${given}"`);
}

/** A whole number from 1 to 999,999,999; processes that a test starts inherit it. */
export const testSeed: number = Math.max(1, Number(given ?? Math.floor(Math.random() * 1e9)));

process.env.TEST_SEED = String(testSeed);

/** A source of chance that repeats for the same seed (xorshift32). */
export type Chance = { state: number };

/** Chance from a seed, a whole number. Neighbouring seeds begin far apart (Knuth's multiplicative hash). */
export const chanceOf = (seed: number): Chance => ({ state: Math.imul(seed, 2_654_435_761) | 1 });

/** A whole number from 0 up to but not including `limit`. */
export function below(chance: Chance, limit: number): number {
  chance.state ^= chance.state << 13;
  chance.state ^= chance.state >>> 17;
  chance.state ^= chance.state << 5;
  return (chance.state >>> 0) % limit;
}

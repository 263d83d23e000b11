/** Phrases that a native technical writer would not use, and what to write instead. */
const phrases: readonly (readonly [RegExp, string])[] = [
  [/\bmeant is\b|\bwas meant\b/i, '"expected Y, found X"'],
  [/\bnone of ours\b/i, '"invalid or revoked", "not one of this server\'s"'],
  [/\bso many\b/i, 'a number, "a limit of N", or "once the limit is reached"'],
  [/\bwhoever\b|\bwhosoever\b/i, 'the actor, such as "a caller", "anyone with a token"'],
  [/\bmakes no sense\b/i, '"is in state S and cannot accept E"'],
  [/\bg[ai]ves? (it|them|machines|a machine) up\b|\bis given up\b/i, '"removes it from the fleet"'],
  [/\bas long as (the|no|it has not|a) (machine )?(has )?(not )?begun\b/i, '"while it is pending"'],
  [/\bplace for one\b/i, 'the thing itself, such as "a place to store a key"'],
  [/\bat any rate\b/i, '"minimum", "at least"'],
  [/\b(is|was|are) (long )?silent (for )?long\b|\blong silent\b/i, '"after a quiet period", "not heard for N s"'],
  [/\bsimulated but\b/i, '"only … is simulated"'],
  [/\b(gets?|getting|got) on\b(?! the)/i, '"progress", "stalled", "continues"'],
  [/\btakes? (it|them|either) back\b/i, '"cancels"'],
  [/\bfor want of\b/i, '"because … is missing", "fallback"'],
  [/\bby chance\b/i, '"randomly", "with random jitter"'],
  [
    /\b(that|as|which) there (are|is)\b(?! (no|an?|none|nothing)\b)/i,
    'the noun alone: "the images", "existing tokens"',
  ],
  [/\bsomebody\b/i, '"someone", or the actor'],
  [/\bsaw off the branch\b|\bbolt on the same door\b/i, "the plain fact, without a metaphor"],
];

/** What is wrong with a text, one sentence for each banned phrase in it. */
export function bannedPhrases(text: string): readonly string[] {
  const flowing = text.replace(/\s+/g, " ");
  return phrases.flatMap(([pattern, instead]) => {
    const found = pattern.exec(flowing)?.[0];
    return found === undefined ? [] : [`expected ${instead}, found "${found}"`];
  });
}

/** Words that names no longer use, and the term of the field instead. A word is one part of a camel-case name. */
const wordsOfNames: { readonly [word: string]: string } = {
  deed: "action",
  deeds: "actions",
  asker: "caller",
  askers: "callers",
  door: "listener",
  gate: "guard",
  ledger: "journal",
  news: "changes",
  standing: "status",
  vigilance: "stallDetection",
  fate: "outcome",
  spot: "switchPort, directoryEntry",
  heir: "successor",
  surroundings: "context",
  insistence: "retry",
  insisting: "retrying",
  patience: "retryPolicy",
  patient: "retrying",
  told: "notified",
  tell: "notify",
  hear: "receive",
  ear: "listener",
  hearing: "receiving",
  ticket: "order",
  tickets: "orders",
  places: "paths, addresses",
};

/** Whole names that are gone, whatever their words mean elsewhere. */
const wholeNames: { readonly [name: string]: string } = {
  carryOut: "execute",
  takeIn: "apply",
  newGround: "a function named for what it prepares",
  findAsker: "authenticate",
  spell: "formatDuration",
  inherit: "mergeAnnouncement",
  doing: "runStep",
};

/** Nouns that prose, messages and comments no longer use. In quotes or as a key of stored data they are history. */
const prose: readonly (readonly [RegExp, string])[] = [
  [/(?<![$.'`])\b(deeds?)\b/i, "action"],
  [/(?<![$.'`])\b(askers?)\b/i, "caller"],
  [/(?<![$.'`])\b(ledgers?)\b/i, "journal"],
  [/(?<![$.'`])\b(tickets?)\b/i, "order"],
  [/(?<![$.'`])\b(vigilance)\b/i, "stall detection"],
  [/(?<![$.'`])\b(heirs?)\b/i, "successor"],
  [/(?<![$.'`])\b(lone sub)\b/i, "unreachable MDB"],
];

/** A fault for each name in TypeScript code that uses a former word; the code has no comments and strings. */
export function formerNames(code: string): readonly string[] {
  return [...new Set(code.match(/[A-Za-z_$][\w$]*/g) ?? [])].flatMap((name) => {
    const words = (name.match(/[A-Z]?[a-z]+/g) ?? []).map((word) => word.toLowerCase());
    const former = words.find((word) => Object.hasOwn(wordsOfNames, word));
    const instead = Object.hasOwn(wholeNames, name) ? wholeNames[name] : former && wordsOfNames[former];
    return instead === undefined ? [] : [`expected a name with ${instead}, found ${name}`];
  });
}

/** A fault for each former noun in a text that people read. */
export function formerNouns(text: string): readonly string[] {
  return prose.flatMap(([pattern, instead]) => {
    const found = pattern.exec(text)?.[1];
    return found === undefined ? [] : [`expected ${instead}, found "${found}"`];
  });
}

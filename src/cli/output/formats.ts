/** What `-o` takes where a verb prints one thing. */
export const valueFormats = ["table", "json", "yaml"] as const;

/** What `-o` takes where a verb prints a list; `name` only if its rows have names. */
export const listFormats = ["table", "wide", "name", "csv", "json", "yaml"] as const;

/** An output format of any verb. */
export type OutputFormat = (typeof listFormats)[number];

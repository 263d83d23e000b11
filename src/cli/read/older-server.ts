import type { SummaryView } from "../../contract/operator/fleet-views.ts";

/** What servers tell of the fleet only since a later version, as a server that counts none of it would; and its name. */
const later = {
  unplaced: { none: 0, name: "machines without a place" },
  work: { none: [], name: "progress" },
  diskKeys: { none: {}, name: "sealed disk keys" },
  unreadable: { none: 0, name: "unreadable records" },
  imports: { none: [], name: "imports of images" },
  suspect: { none: 0, name: "suspect machines" },
} as const satisfies { readonly [K in keyof SummaryView]?: { readonly none: SummaryView[K]; readonly name: string } };

type LaterKey = keyof typeof later;

/** A summary as a server of this version or of an older one sends it. */
export type SentSummary = Omit<SummaryView, LaterKey> & Partial<Pick<SummaryView, LaterKey>>;

/** The summary with every field, for the screen, and the names of what an older server did not tell. */
export function completeSummary(sent: SentSummary): {
  readonly summary: SummaryView;
  readonly untold: readonly string[];
} {
  const nothing = Object.fromEntries(Object.entries(later).map(([key, { none }]) => [key, none])) as Pick<
    SummaryView,
    LaterKey
  >;
  const untold = (Object.keys(later) as LaterKey[]).filter((key) => sent[key] === undefined);
  return { summary: { ...nothing, ...sent }, untold: untold.map((key) => later[key].name) };
}

/** What the screen says of them; nothing if the server told all. */
export function untoldText(version: string, untold: readonly string[]): string[] {
  return untold.length === 0
    ? []
    : [`the server (version ${version}) is older than this command and does not tell: ${untold.join(", ")}`];
}

import { openApi } from "../../cli/api/api.ts";
import type { SessionLink } from "../../contract/operator/session.ts";

/** Renewed before it ends: the one on the screen is always good. */
const renewMs = 45_000;

/** A link to the dashboard that is good at any time, with more lines below it. */
export type KeptLink = Disposable & {
  readonly lines: () => readonly string[];
  /** Lines below the link from now on. */
  readonly below: (lines: readonly string[]) => void;
};

/** Asks the server with this state directory for a one-time link, and again before it ends; `show` is given the lines. */
export async function keepLink(state: string, show: (lines: readonly string[]) => void): Promise<KeptLink> {
  const api = await openApi({ state });
  let below: readonly string[] = [];
  let link = await newLink();
  const lines = () => [
    "The dashboard, in a browser here (for another link: ./birther dashboard):",
    ...[link, ...below],
  ];
  async function newLink(): Promise<string> {
    const { bases, path } = await api.ask<SessionLink>("createLink", { body: { role: "admin" } });
    return (bases[0] ?? "") + path;
  }
  const timer = setInterval(async () => {
    // A server that is ending gives none; its machines are what the reader looks at then.
    link = await newLink().catch(() => link);
    show(lines());
  }, renewMs);
  show(lines());
  return {
    lines,
    below: (more) => {
      below = more;
      show(lines());
    },
    [Symbol.dispose]: () => clearInterval(timer),
  };
}

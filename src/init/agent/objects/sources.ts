import type { Directive } from "../../../core/image/update/directive.ts";
import type { SubContext } from "../sub-context.ts";
import { closedServer, type ServerPorts } from "./object-server.ts";
import type { NamedSources } from "./pack-sources.ts";

type OrderOf<Kind extends Directive["kind"]> = Extract<Directive, { kind: Kind }>;

/** Who has the packs of what is to be fetched. */
export function sourcesFor(context: SubContext, order: OrderOf<"fetch">): NamedSources {
  const { sources = [], confidentialPort } = order;
  if (confidentialPort === undefined) return { kind: "open", sources };
  const credential = context.settings.token;
  return {
    kind: "closed",
    server: () => ({ ...closedServer(context, confidentialPort), kind: "closed", credential }),
  };
}

/** The ports at which the server itself has what an order is about, beside those of the settings. */
export function portsFor(order: OrderOf<"fetch" | "compare">): ServerPorts {
  const open = order.kind === "fetch" ? order.sources?.find(({ address }) => address === undefined) : undefined;
  return { images: open?.port, confidential: order.confidentialPort };
}

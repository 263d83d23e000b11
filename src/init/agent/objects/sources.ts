import type { Directive } from "../../../core/image/update/directive.ts";
import type { SubContext } from "../sub-context.ts";
import type { ObjectServer, ServerPorts } from "./object-server.ts";
import type { NamedSources } from "./pack-sources.ts";

type OrderOf<Kind extends Directive["kind"]> = Extract<Directive, { kind: Kind }>;

/** Who has the packs of what is to be fetched. */
export function sourcesFor(
  { sources = [], confidentialPort }: OrderOf<"fetch">,
  { closedPort }: Pick<ObjectServer, "closedPort">,
  { settings }: SubContext,
): NamedSources {
  if (confidentialPort === undefined) return { kind: "open", sources };
  return { kind: "closed", port: closedPort, credential: settings.token };
}

/** The ports at which the server itself has what an order is about, beside those of the settings. */
export function portsFor(order: OrderOf<"fetch" | "compare">): ServerPorts {
  const open = order.kind === "fetch" ? order.sources?.find(({ address }) => address === undefined) : undefined;
  return { images: open?.port, confidential: order.confidentialPort };
}

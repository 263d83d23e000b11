import type { Client } from "../client.ts";
import type { LocalMethod } from "./method-table.ts";

/** Which stage of which firmware is to be sent to its disk: each leaves the network by ways of its own. */
export type LocalClient = "uefiPxe" | "uefiHttp" | "biosPxe" | "uefiIpxe" | "biosIpxe";

/** What is tried for each client, in order, until one is known to work on its model. */
export const methodsOf: { readonly [C in LocalClient]: readonly LocalMethod[] } = {
  uefiPxe: ["offerThenNak", "localBootMenu", "bootFileRefused", "ownLoader"],
  uefiHttp: ["offerThenNak", "bootFileRefused", "ownLoader"],
  biosPxe: ["localBootMenu", "bootFileRefused", "ownLoader"],
  uefiIpxe: ["scriptExit", "scriptSanboot"],
  biosIpxe: ["scriptSanboot", "scriptExit"],
};

/** Which of them can be used for a client here: a NAK is for the one who leases the address, our iPXE for those it is built for. */
export function usableMethods(client: Client, given: { readonly proxy: boolean }): readonly LocalMethod[] {
  const kind = localClientOf(client);
  if (kind === undefined || client.kind === "plain") return [];
  const hasLoader = client.kind !== "ipxe" && client.architecture?.loader !== undefined;
  return methodsOf[kind].filter(
    (method) => !(method === "offerThenNak" && given.proxy) && !(method === "ownLoader" && !hasLoader),
  );
}

/** The row of a client; undefined for one that boots nothing. */
export function localClientOf(client: Client): LocalClient | undefined {
  switch (client.kind) {
    case "plain":
      return undefined;
    case "ipxe":
      return client.firmware === "bios" ? "biosIpxe" : "uefiIpxe";
    case "pxe":
      return client.firmware === "bios" ? "biosPxe" : "uefiPxe";
    case "httpBoot":
      return "uefiHttp";
  }
}

import type { Client } from "../client.ts";
import type { LocalMethod } from "./method-table.ts";

/** The kinds of client that are sent to their disk; each has its own methods. */
export type LocalClient = "uefiPxe" | "uefiHttp" | "biosPxe" | "uefiIpxe" | "biosIpxe";

/** The methods to try for each kind of client, in order, until one is known to work on its model. */
export const methodsOf: { readonly [C in LocalClient]: readonly LocalMethod[] } = {
  uefiPxe: ["offerThenNak", "localBootMenu", "bootFileRefused", "ownLoader"],
  uefiHttp: ["offerThenNak", "bootFileRefused", "ownLoader"],
  biosPxe: ["localBootMenu", "bootFileRefused", "ownLoader"],
  uefiIpxe: ["scriptExit", "scriptSanboot"],
  biosIpxe: ["scriptSanboot", "scriptExit"],
};

/** The usable methods for a client: only the server that leases the address may send a NAK, and iPXE needs a build for the architecture. */
export function usableMethods(client: Client, given: { readonly proxy: boolean }): readonly LocalMethod[] {
  const kind = localClientOf(client);
  if (kind === undefined) return [];
  const architecture = "architecture" in client ? client.architecture : undefined;
  const hasLoader = architecture?.loader !== undefined && architecture.onlyInstalls !== true;
  return methodsOf[kind].filter(
    (method) => !(method === "offerThenNak" && given.proxy) && !(method === "ownLoader" && !hasLoader),
  );
}

/** The kind of a client; undefined if it does not boot. */
export function localClientOf(client: Client): LocalClient | undefined {
  switch (client.kind) {
    case "plain":
    case "signedImage":
      return undefined;
    case "ipxe":
      return client.firmware === "bios" ? "biosIpxe" : "uefiIpxe";
    case "pxe":
      return client.firmware === "bios" ? "biosPxe" : "uefiPxe";
    case "httpBoot":
      return "uefiHttp";
  }
}

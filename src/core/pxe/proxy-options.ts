import { writeSubOptions } from "../dhcp/codec/sub-options.ts";
import type { Binding } from "../network/network.ts";
import type { Answer } from "./answer.ts";
import { type BootOptions, bootOptionsFor } from "./boot-options.ts";
import type { Client } from "./client.ts";

/** PXE 2.1: discovery control, bit 3: load the boot file named here, without menu or prompt. */
const useBootFile = writeSubOptions(new Map([[6, Uint8Array.of(8)]]));

/**
 * Encodes an answer in the options of a ProxyDHCP reply, in the forms that firmware accepts beside another server's lease
 * (netboot.md §1.3). All carry option 60, which makes them ProxyDHCP.
 */
export function proxyOptionsFor(answer: Answer, client: Client, binding: Binding): BootOptions {
  const options = bootOptionsFor(answer, client, binding);
  const { boot } = options;
  if (client.kind === "httpBoot") return options;
  // The type 0 menu is ProxyDHCP already.
  if (boot === undefined || client.kind === "plain") return options;
  const vendorClassIdentifier = "PXEClient";
  // iPXE needs only a boot file and siaddr, and accepts a URI as the file (Q16). So does init.
  const { logServers } = options.always;
  if (client.kind === "ipxe" || client.kind === "signedImage")
    return { always: { vendorClassIdentifier, ...(logServers && { logServers }) }, boot };
  // BIOS ROMs: standard PXE. Many UEFI ROMs ignore an offer with option 43 (Q4): without it they query port 4011, where
  // they get the same answer again.
  return client.firmware === "bios"
    ? { always: { vendorClassIdentifier, vendorSpecificInformation: useBootFile }, boot }
    : { always: { vendorClassIdentifier }, boot };
}

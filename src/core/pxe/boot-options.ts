import { bytesFromText } from "../bytes/text.ts";
import type { DhcpOptions, OptionsInMaking } from "../dhcp/codec/option-table.ts";
import { writeSubOptions } from "../dhcp/codec/sub-options.ts";
import { formatIpv4, type Ipv4, prefixBroadcast, prefixMask } from "../net/ipv4.ts";
import type { Binding } from "../network/network.ts";
import type { Answer } from "./answer.ts";
import type { Client } from "./client.ts";

/** The additions of an answer to a reply: unsolicited options, and the boot file. */
export type BootOptions = {
  readonly always: DhcpOptions;
  readonly boot?: { readonly file: string; readonly server: Ipv4 };
};

/** Encodes an answer in the options of both OFFER and ACK: iPXE and EDK2 take the boot file from the ACK (netboot.md §1.5). */
export function bootOptionsFor(answer: Answer, client: Client, binding: Binding): BootOptions {
  const { server } = binding;
  switch (answer.kind) {
    case "lease":
      return { always: {} };
    case "loader":
      // Q2: boot file and no option 60. With option 60 alone EDK2 would query port 4011 for ten seconds (Q1).
      return { always: {}, boot: { file: answer.file, server } };
    case "httpLoader":
      return { always: { vendorClassIdentifier: "HTTPClient" }, boot: { file: answer.uri, server } };
    case "script":
      return {
        always: {
          etherbootEncapsulated: noProxyDhcp,
          ...(answer.logServer === undefined ? {} : { logServers: [answer.logServer] }),
        },
        boot: { file: answer.uri, server },
      };
    case "local":
      return localOptions(answer, client, server);
  }
}

/** Parameters of an address, for clients that request them. */
export function leaseOptionsFor(binding: Binding, hostname: string | undefined): DhcpOptions {
  const { prefix, gateway, nameservers, leaseSeconds } = binding;
  const options: OptionsInMaking = { subnetMask: prefixMask(prefix.length), broadcastAddress: prefixBroadcast(prefix) };
  if (gateway !== undefined) options.routers = [gateway];
  if (nameservers.length > 0) options.domainNameServers = nameservers;
  if (hostname !== undefined) options.hostName = hostname;
  options.renewalTimeValue = Math.floor(leaseSeconds / 2);
  options.rebindingTimeValue = Math.floor((leaseSeconds * 7) / 8);
  return options;
}

/** 176 "no-pxedhcp": this is the only DHCP server, so iPXE need not wait 2 s for a ProxyDHCP (netboot.md §1.5). */
const noProxyDhcp = writeSubOptions(new Map([[176, Uint8Array.of(1)]]));

const menuText = bytesFromText("Boot from local disk");

/** PXE 2.1 §2.4: no discovery by broadcast or multicast; one menu item, type 0, local boot; chosen after 0 seconds. */
const localBootMenu = writeSubOptions(
  new Map([
    [6, Uint8Array.of(3)],
    [9, Uint8Array.of(0, 0, menuText.length, ...menuText)],
    [10, Uint8Array.of(0, ...bytesFromText("PXE"))],
  ]),
);

function localOptions(answer: Answer & { kind: "local" }, client: Client, server: Ipv4): BootOptions {
  if (answer.method === "localBootMenu")
    return { always: { vendorClassIdentifier: "PXEClient", vendorSpecificInformation: localBootMenu } };
  // Firmware accepts only an offer with a boot file (netboot.md §2.1). The request is then answered with a NAK, or TFTP or
  // HTTP refuses the file.
  if (client.kind === "httpBoot") {
    const file = `http://${formatIpv4(server)}/local.efi`;
    return { always: { vendorClassIdentifier: "HTTPClient" }, boot: { file, server } };
  }
  return { always: {}, boot: { file: "local.efi", server } };
}

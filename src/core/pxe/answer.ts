import type { MachineArchitecture } from "../machine/architecture.ts";
import { mayBeInstalled } from "../machine/life/move.ts";
import { orderActionOf } from "../machine/next-boot.ts";
import type { PxeAnswer } from "../machine/pxe-answer.ts";
import type { Machine } from "../machine/record.ts";
import { formatIpv4, type Ipv4 } from "../net/ipv4.ts";
import type { Mac } from "../net/mac.ts";
import type { Binding, Network, ServerPorts } from "../network/network.ts";
import { syslogPort } from "../syslog/message.ts";
import { loaderPath } from "./architecture.ts";
import { type Client, machineOf } from "./client.ts";
import type { LocalMethod } from "./local-boot/method-table.ts";

/** The boot part of an answer to a client. */
export type Answer =
  /** A loader by TFTP. */
  | { readonly kind: "loader"; readonly file: string }
  /** A loader by UEFI HTTP boot. */
  | { readonly kind: "httpLoader"; readonly uri: string }
  /** iPXE's script, or init's settings, created for this machine when it is fetched; `leadsTo` is its purpose. */
  | {
      readonly kind: "script";
      readonly uri: string;
      readonly leadsTo: Intent;
      /** Where init may send log lines before it has its settings. */
      readonly logServer?: Ipv4;
    }
  /** The local disk, directly. */
  | { readonly kind: "local"; readonly method: LocalMethod; readonly why: string }
  /** An address without a boot file. */
  | { readonly kind: "lease" };

/** Whether a machine gets the Bootstrap Image, with an order to install it or to resume, or is sent to its disk. */
export type Intent = "install" | "local";

/**
 * The intent for a machine that sends a request from one of its NICs: an unknown machine is born on a nursery only; a machine
 * that is retired, or whose identity is disputed, is sent to its disk.
 */
export function intentFor(machine: Machine | undefined, network: Network, mac: Mac): Intent {
  if (machine !== undefined && !mayBeInstalled(machine, mac)) return "local";
  if (machine === undefined || machine.state === "unknown") return network.nursery ? "install" : "local";
  return orderActionOf(machine) === undefined ? "local" : "install";
}

/** The architecture of a client's machine, if it is to be installed and the server has no Bootstrap Image for it. */
export function architectureWithoutImage(
  client: Client,
  intent: Intent,
  images: ReadonlySet<MachineArchitecture>,
): MachineArchitecture | undefined {
  const machine = intent === "install" ? machineOf(client) : undefined;
  return machine === undefined || images.has(machine) ? undefined : machine;
}

/** Whether a client ends at its disk: by intent, or because there is no loader or no Bootstrap Image for its architecture. */
export function endsLocally(client: Client, intent: Intent, withoutImage?: MachineArchitecture): boolean {
  if (client.kind === "plain") return false;
  if (intent === "local") return true;
  // iPXE gets a script, which shows the reason.
  return "architecture" in client && (client.architecture?.loader === undefined || withoutImage !== undefined);
}

/** Decides the answer to a client. */
export function decideAnswer(given: {
  readonly client: Client;
  readonly mac: Mac;
  readonly intent: Intent;
  readonly binding: Binding;
  readonly ports: ServerPorts;
  /** How the client is sent to its disk, if it is. */
  readonly method: LocalMethod | undefined;
  /** The machine's architecture, if the server has no Bootstrap Image for it. */
  readonly withoutImage?: MachineArchitecture | undefined;
}): Answer {
  const { client, mac, intent, binding, ports, method, withoutImage } = given;
  switch (client.kind) {
    case "plain":
      return { kind: "lease" };
    case "ipxe":
      return { kind: "script", uri: `${siteOf(binding, ports)}${scriptPath(mac)}.ipxe`, leadsTo: intent };
    case "signedImage":
      return {
        ...{ kind: "script", uri: `${siteOf(binding, ports)}${settingsPath(mac)}`, leadsTo: intent },
        ...(intent === "install" && ports.log === syslogPort ? { logServer: binding.server } : {}),
      };
    case "pxe":
    case "httpBoot": {
      const loader = client.architecture?.loader;
      // HTTP boot cannot start a loader that comes by TFTP, and vice versa.
      if (loader !== undefined && (method === undefined || method === "ownLoader"))
        return client.kind === "pxe"
          ? { kind: "loader", file: loader }
          : { kind: "httpLoader", uri: `${siteOf(binding, ports)}/${loaderPath(loader, mac)}` };
      const why =
        intent === "local"
          ? "the machine is not due for installation"
          : withoutImage === undefined
            ? `no loader for ${client.architecture?.name ?? "this architecture"}`
            : `no Bootstrap Image for ${withoutImage}`;
      return { kind: "local", method: method ?? "bootFileRefused", why };
    }
  }
}

/** How the path of a machine's settings for init of the signed image ends. */
export const settingsEnding = ".settings";

/** The path of a machine's settings for init of the signed image. */
export function settingsPath(mac: Mac): string {
  return `${scriptPath(mac)}${settingsEnding}`;
}

/** The path of what is written for one machine, without its ending. */
function scriptPath(mac: Mac): string {
  return `/boot/${mac.replace(/:/g, "-")}`;
}

/** `http://10.77.0.1`, or `http://10.77.0.1:8080` for a port other than 80. */
function siteOf(binding: Binding, { http }: ServerPorts): string {
  const host = formatIpv4(binding.server);
  return http === 80 ? `http://${host}` : `http://${host}:${http}`;
}

/** The answer as the machine's record stores it; with the method if it leads to the disk. */
export function wordFor(answer: Answer, method?: LocalMethod): PxeAnswer {
  if (method !== undefined) return `local: ${method}`;
  if (answer.kind === "script") return answer.leadsTo === "local" ? "local" : "script";
  return answer.kind === "httpLoader" ? "loader" : answer.kind;
}

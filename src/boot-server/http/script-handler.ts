import type { IncomingMessage, ServerResponse } from "node:http";
import { defaultArchitecture, type MachineArchitecture } from "../../core/machine/architecture.ts";
import type { Firmware, Machine } from "../../core/machine/record.ts";
import { type Ipv4, parseIpv4 } from "../../core/net/ipv4.ts";
import { type Mac, parseMac } from "../../core/net/mac.ts";
import type { Network, ServerPorts } from "../../core/network/network.ts";
import type { Clock, IssueOrder, Log, Store } from "../../core/ports.ts";
import { settingsEnding } from "../../core/pxe/answer.ts";
import { scriptMethod } from "../../core/pxe/local-boot/choose.ts";
import { bootDiskScripts } from "../../core/pxe/script/boot-disk.ts";
import { writeGrubInstallScript, writeGrubLocalScript, writeGrubWaitScript } from "../../core/pxe/script/grub.ts";
import {
  type BootOrder,
  planRefused,
  planScript,
  planWithoutImage,
  type ScriptPlan,
  settingsWriter,
  writeInstallScript,
  writeLocalScript,
  writeWaitScript,
} from "../../core/pxe/script/ipxe.ts";
import type { LocalBoots } from "../dhcp/local-boots.ts";
import type { AskedFirmware } from "../observe/asked-firmware.ts";
import type { HttpHandler } from "./server.ts";

/** The script format of each loader: iPXE; under Secure Boot GRUB, by TFTP or on a disk; init of the signed image. */
const writers = {
  ipxe: {
    ...{ install: writeInstallScript, local: writeLocalScript, wait: writeWaitScript },
    firstSeen: "boot script: its ROM is iPXE",
  },
  grub: {
    ...{ install: (boot: BootOrder) => writeGrubInstallScript(boot), local: writeGrubLocalScript },
    ...{ wait: writeGrubWaitScript, firstSeen: "boot script of GRUB" },
  },
  settings: { ...settingsWriter, firstSeen: "settings of the signed image" },
  bootDisk: { ...bootDiskScripts, firstSeen: "boot disk: shim and GRUB" },
} as const;
type Loader = keyof typeof writers;

/** Writes the script for a machine, with a new token if it is to be installed; undefined for an unknown machine. */
export type WriteBootScript = (
  mac: Mac,
  loader: Loader,
  /** Where the client fetched the script, and its address, if known. */
  fetched: { readonly scriptUri: string; readonly clientAddress?: Ipv4 | undefined },
) => Promise<string | undefined>;

/** Writes boot scripts, however they are fetched. */
export function bootScriptWriter(deps: {
  readonly networks: readonly Network[];
  readonly ports: ServerPorts;
  /** The architectures that there is a Bootstrap Image for; the default only if it is absent. */
  readonly images?: ReadonlySet<MachineArchitecture>;
  readonly store: Store;
  readonly issueOrder: IssueOrder;
  readonly localBoots: LocalBoots;
  /** The Bootstrap Image's second archive, if it has one. */
  readonly firmware?: Uint8Array;
  /** Whose firmware is asked which disks it sees; nobody's without the program that asks. */
  readonly askedFirmware?: Pick<AskedFirmware, "mayAsk">;
  readonly clock: Clock;
  readonly log: Log;
}): WriteBootScript {
  const { networks, ports, store, issueOrder, localBoots, clock, log } = deps;
  const withFirmware = deps.firmware !== undefined;
  const { images = new Set([defaultArchitecture]) } = deps;
  const asksFirmware = ({ id, architecture, firmware }: Machine) =>
    architecture === undefined && firmware === "uefi" && deps.askedFirmware?.mayAsk(id) === true;
  return async (mac, loader, { scriptUri, clientAddress }) => {
    const machine = store.byMac(mac);
    const network = networks.find((candidate) => candidate.name === machine?.network);
    const write = writers[loader];
    const localMethod = (firmware: Firmware) =>
      scriptMethod(firmware === "bios" ? "biosIpxe" : "uefiIpxe", localBoots.historyOf(mac, machine));
    const damaged = machine === undefined ? store.unreadableWith({ mac }) : undefined;
    if (damaged !== undefined) {
      const { id, firmware = "bios" } = damaged;
      log("warn", "boot script sent: to its disk, because the record of the machine cannot be read", {
        machine: id,
        loader,
      });
      return write.local(localMethod(firmware), firmware);
    }
    if (machine === undefined || network === undefined) return undefined;
    // So that its next downloads are attributed to it.
    if (network.mode === "proxy" && clientAddress !== undefined && clientAddress !== machine.temporaryAddress)
      await store.apply({ kind: "addressSeen", id: machine.id, address: clientAddress });
    const { architecture = defaultArchitecture } = machine;
    let plan: ScriptPlan = planScript(machine, network, { mac, leased: clientAddress });
    if (plan.kind === "install" && !images.has(architecture)) plan = planWithoutImage(architecture);
    let text: string | undefined;
    if (plan.kind === "install") {
      const order = await issueOrder(machine.id);
      if (order.kind === "issued")
        text = write.install({
          ...{ binding: plan.binding, ports, mac, architecture, token: order.token, nowMs: clock.nowMs() },
          withFirmware: withFirmware && architecture === defaultArchitecture,
          withDiskList: loader === "ipxe" && asksFirmware(machine),
        });
      else plan = planRefused(order.refusal);
    }
    if (plan.kind === "wait") text = write.wait(plan, scriptUri);
    const why = plan.kind === "wait" ? { why: plan.message } : {};
    log("info", "boot script sent", { machine: machine.id, loader, script: plan.kind, ...why });
    // For a machine that got no loader (a ROM that already is iPXE, firmware that gets a disk) the script is the loader
    // phase.
    if (plan.kind !== "local" && machine.phase === "offered")
      await store.apply({
        ...{ kind: "phaseSeen", id: machine.id, phase: "loaderSent" },
        detail: write.firstSeen,
      });
    const { firmware = "bios" } = machine;
    return text ?? write.local(localMethod(firmware), firmware, machine.storage?.rootDisk.biosDrive);
  };
}

/** The loader that fetches a script, by the ending of its path. */
const loaderOfEnding: { readonly [ending: string]: Loader } = { ".ipxe": "ipxe", [settingsEnding]: "settings" };

/** Answers `/boot/MAC.ipxe` and `/boot/MAC.settings`. */
export function bootScriptHandler({ write, log }: { readonly write: WriteBootScript; readonly log: Log }): HttpHandler {
  async function answer(
    { mac, loader, path }: { readonly mac: Mac; readonly loader: Loader; readonly path: string },
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const body = await write(mac, loader, {
      scriptUri: ownUri(request, path),
      clientAddress: parseIpv4(request.socket.remoteAddress ?? ""),
    });
    if (body === undefined) {
      // iPXE then stops and the firmware continues with its next entry.
      response.writeHead(404, { "content-type": "text/plain" }).end("no such machine\n");
      return;
    }
    response.writeHead(200, {
      "content-type": "text/plain",
      "content-length": Buffer.byteLength(body),
      "cache-control": "no-store",
    });
    response.end(body);
  }

  return (request, response, path) => {
    const [, named = "", ending = ""] = /^\/boot\/([0-9a-fA-F:%-]{12,35})(\.[a-z]+)$/.exec(path) ?? [];
    const mac = parseMac(named.replace(/%3a/gi, ":"));
    const loader = loaderOfEnding[ending];
    if (mac === undefined || loader === undefined || request.method !== "GET") return false;
    answer({ mac, loader, path }, request, response).catch((error: unknown) => {
      log("error", "making a boot script failed", { mac, error: String(error) });
      if (!response.headersSent) response.writeHead(500).end();
    });
    return true;
  };
}

/** Makes `boot/MAC.grub` for TFTP requests: Debian's signed GRUB supports nothing else (docs/deviations.md). */
export function grubScriptMaker(write: WriteBootScript): (name: string) => Promise<Uint8Array | undefined> | undefined {
  return (name) => {
    const mac = parseMac(/^boot\/([0-9a-fA-F:-]{12,17})\.grub$/.exec(name)?.[1] ?? "");
    if (mac === undefined) return undefined;
    return write(mac, "grub", { scriptUri: "" }).then((text) =>
      text === undefined ? text : new TextEncoder().encode(text),
    );
  };
}

/**
 * A path at the address at which the client reached us: the only one known to work for it. The query of its request is left
 * out, because iPXE would run what is in it.
 */
function ownUri({ socket }: IncomingMessage, path: string): string {
  return `http://${socket.localAddress}:${socket.localPort}${path}`;
}

import type { IncomingMessage, ServerResponse } from "node:http";
import { type Mac, parseMac } from "../core/net/mac.ts";
import type { IssueOrder, Log, Store } from "../core/ports.ts";
import {
  planRefused,
  planScript,
  type ScriptPlan,
  writeInstallScript,
  writeLocalScript,
  writeWaitScript,
} from "../core/pxe/boot-script.ts";
import type { Network, ServerPorts } from "../core/pxe/network.ts";
import type { HttpHandler } from "./http-server.ts";

/** Answers `/boot/MAC.ipxe` with the script made for that machine, and with a fresh token where it is to be installed. */
export function bootScriptHandler(deps: {
  readonly networks: readonly Network[];
  readonly ports: ServerPorts;
  readonly store: Store;
  readonly issueOrder: IssueOrder;
  readonly log: Log;
}): HttpHandler {
  const { networks, ports, store, issueOrder, log } = deps;

  async function answer(mac: Mac, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const machine = store.byMac(mac);
    const network = networks.find((candidate) => candidate.name === machine?.network);
    if (machine === undefined || network === undefined) {
      // iPXE then gives up and the firmware goes on to its next entry.
      response.writeHead(404, { "content-type": "text/plain" }).end("no such machine\n");
      return;
    }
    let plan: ScriptPlan = planScript(machine, network);
    let text: string | undefined;
    if (plan.kind === "install") {
      const order = await issueOrder(machine.id);
      if (order.kind === "issued") text = writeInstallScript({ binding: plan.binding, ports, mac, token: order.token });
      else plan = planRefused(order.refusal);
    }
    if (plan.kind === "wait") text = writeWaitScript(plan, ownUri(request));
    const body = text ?? writeLocalScript();
    response.writeHead(200, {
      "content-type": "text/plain",
      "content-length": Buffer.byteLength(body),
      "cache-control": "no-store",
    });
    response.end(body);
    log("info", "boot script sent", { machine: machine.id, script: plan.kind });
    // A ROM that already is iPXE was never sent a loader: the script is what it loaded.
    if (plan.kind !== "local" && machine.phase === "offered")
      await store.apply({
        kind: "phaseSeen",
        id: machine.id,
        phase: "loaderSent",
        detail: "boot script: its ROM is iPXE",
      });
  }

  return (request, response, path) => {
    const mac = parseMac(/^\/boot\/([0-9a-fA-F:%-]{12,35})\.ipxe$/.exec(path)?.[1]?.replace(/%3a/gi, ":") ?? "");
    if (mac === undefined || request.method !== "GET") return false;
    answer(mac, request, response).catch((error: unknown) => {
      log("error", "boot script failed", { mac, error: String(error) });
      if (!response.headersSent) response.writeHead(500).end();
    });
    return true;
  };
}

/** Where the client reached us: the one address that is known to work for it. */
function ownUri(request: IncomingMessage): string {
  return `http://${request.socket.localAddress}:${request.socket.localPort}${request.url}`;
}

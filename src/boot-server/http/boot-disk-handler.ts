import type { IncomingMessage, ServerResponse } from "node:http";
import { parseIpv4 } from "../../core/net/ipv4.ts";
import { type Mac, parseMac } from "../../core/net/mac.ts";
import type { Log, Store } from "../../core/ports.ts";
import { bootDiskType, bootDiskWith, makeBootDisk } from "../../core/pxe/script/boot-disk.ts";
import type { WriteBootScript } from "./script-handler.ts";
import type { HttpHandler } from "./server.ts";

/** Answers `/boot/MAC.img`: the disk that UEFI HTTP boot starts under Secure Boot, with the machine's script on it. */
export function bootDiskHandler(deps: {
  readonly shim: Uint8Array;
  readonly grub: Uint8Array;
  readonly kernel: Uint8Array;
  readonly initramfs: Uint8Array;
  readonly firmware?: Uint8Array;
  readonly store: Store;
  readonly write: WriteBootScript;
  readonly log: Log;
}): HttpHandler {
  const { store, write, log } = deps;
  const disk = makeBootDisk(deps);
  const headers = { "content-type": bootDiskType, "content-length": disk.disk.length, "cache-control": "no-store" };

  async function answer(mac: Mac, request: IncomingMessage, response: ServerResponse): Promise<void> {
    // EDK2 asks for the size first; a token is issued only for the download.
    if (request.method === "HEAD") {
      response.writeHead(200, headers).end();
      return;
    }
    const startedMs = performance.now();
    const script = await write(mac, "bootDisk", {
      scriptUri: "",
      clientAddress: parseIpv4(request.socket.remoteAddress ?? ""),
    });
    if (script === undefined) {
      response.writeHead(404, { "content-type": "text/plain" }).end("no such machine\n");
      return;
    }
    response.writeHead(200, headers);
    response.once("finish", () => {
      const machine = store.byMac(mac);
      if (machine?.phase !== "loaderSent") return;
      const durationMs = Math.round(performance.now() - startedMs);
      store
        .apply({ kind: "phaseSeen", id: machine.id, phase: "kernelSent", detail: "kernel and initramfs", durationMs })
        .catch((error: unknown) =>
          log("error", "recording a phase failed", { machine: machine.id, error: String(error) }),
        );
    });
    for (const piece of bootDiskWith(disk, script)) response.write(piece);
    response.end();
  }

  return (request, response, path) => {
    const mac = parseMac(/^\/boot\/([0-9a-fA-F-]{17})\.img$/.exec(path)?.[1] ?? "");
    if (mac === undefined || (request.method !== "GET" && request.method !== "HEAD")) return false;
    answer(mac, request, response).catch((error: unknown) => {
      log("error", "making a boot disk failed", { mac, error: String(error) });
      response.destroy();
    });
    return true;
  };
}

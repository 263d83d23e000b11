import { workerData } from "node:worker_threads";
import { parseMac } from "../../../src/core/net/mac.ts";
import { converse, type ServerConversation } from "./conversation.ts";
import { openImages } from "./images.ts";
import { type OneSite, openSite } from "./one-site.ts";
import { isQuestion, type SiteAnswer, type SiteRequest } from "./protocol.ts";
import type { ServerThread } from "./server-thread.ts";

/**
 * The thread of all sites' servers. init is synchronous and the servers are not: the test's thread sleeps on `signal` while one
 * of its requests is answered here.
 */
const { port, signal, directory }: ServerThread = workerData;
const flag = new Int32Array(signal);
const imageServer = await openImages(directory);
const sites = new Map<number, OneSite>();
const clocks = new Map<number, { nowMs: number }>();
const conversations = new Map<number, ServerConversation>();

async function open(request: Extract<SiteRequest, { kind: "open" }>): Promise<SiteAnswer> {
  const time = { nowMs: request.nowMs };
  clocks.set(request.site, time);
  const clock = { nowMs: () => time.nowMs, monotonicMs: () => time.nowMs };
  sites.set(request.site, await openSite(request.facts, imageServer, clock));
  return { kind: "done" };
}

async function answer(request: SiteRequest): Promise<SiteAnswer> {
  if (request.kind === "open") return await open(request);
  if (request.kind === "close") {
    sites.delete(request.site);
    clocks.delete(request.site);
    return { kind: "done" };
  }
  const site = sites.get(request.site);
  const time = clocks.get(request.site);
  if (site === undefined || time === undefined) throw new Error(`there is no site ${request.site}`);
  time.nowMs = request.nowMs;
  switch (request.kind) {
    case "boot":
      return { kind: "boot", answer: await site.boot(request) };
    case "apply": {
      const decision = await site.store.apply(request.event);
      return decision.kind === "refused" ? { kind: "refused", why: decision.refusal.message } : { kind: "done" };
    }
    case "promote": {
      const why = await site.promote(request.asked);
      return why === undefined ? { kind: "done" } : { kind: "refused", why };
    }
    case "machine":
      return { kind: "machine", machine: machineOf(site, request.mac) };
    case "log": {
      const machine = machineOf(site, request.mac);
      return { kind: "log", lines: machine === undefined ? [] : site.store.log(machine.id) };
    }
    case "progress":
      return { kind: "progress", heard: site.progress() };
    case "erasures":
      return { kind: "erasures", kept: site.store.documents("erasure").map(({ document }) => document) };
    case "restart":
      site.restart();
      return { kind: "done" };
    case "connect":
      conversations.set(request.conversation, converse(site.listener(request.server)));
      return { kind: "done" };
    case "exchange": {
      const found = conversations.get(request.conversation);
      return {
        kind: "bytes",
        ...((await found?.exchange(request.bytes)) ?? { bytes: new Uint8Array(0), closed: true }),
      };
    }
    case "datagram":
      site.datagram(request.bytes, request.from);
      return { kind: "done" };
    case "hangUp":
      conversations.get(request.conversation)?.hangUp();
      conversations.delete(request.conversation);
      return { kind: "done" };
  }
}

function machineOf(site: OneSite, mac: string) {
  const parsed = parseMac(mac);
  return parsed === undefined ? undefined : site.store.byMac(parsed);
}

let failure: unknown;
let last: Promise<void> = Promise.resolve();

async function take(request: SiteRequest): Promise<void> {
  const said = await answer(request).catch((error: unknown): SiteAnswer => ({ kind: "broken", error }));
  // A failure that nobody waits for is reported with the next answer.
  if (!isQuestion(request)) {
    if (said.kind === "broken") failure ??= said.error;
    return;
  }
  const report: SiteAnswer = failure === undefined ? said : { kind: "broken", error: failure };
  // Reported once: the next test must not fail for it, too.
  failure = undefined;
  port.postMessage(report);
  Atomics.add(flag, 0, 1);
  Atomics.notify(flag, 0);
}

port.on("message", (request: SiteRequest) => {
  last = last.then(() => take(request));
});

import { createHash, createHmac } from "node:crypto";
import type { Listener } from "./host/devices/network.ts";
import { bulkSketch } from "./site/images.ts";

/** What another machine does with a request for contents. */
export type PeerKind =
  | "serves"
  /** It accepts connections, and never says anything. */
  | "silent"
  /** It sends a little now and then. */
  | "slow"
  /** Right lengths, other bytes. */
  | "lies"
  /** All of its connections are taken. */
  | "full"
  /** It says for ever that it will have the content soon. */
  | "waits"
  /** It sends without an end. */
  | "endless"
  /** It serves the files of its system, of which a user has changed the third one. */
  | "lacks"
  /** Its connection breaks in the middle of a content. */
  | "breaks"
  /** Only the first one breaks: a user wanted to write to the file, and did not. */
  | "breaksOnce";

const contents = Object.values(bulkSketch).flatMap((content) => (typeof content === "string" ? [content] : []));
const byHash = new Map(
  contents.map((content) => [createHash("sha512").update(content).digest("hex"), Buffer.from(content)]),
);
const ok = "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n";
const none = new Uint8Array(0);

/** A machine that serves contents of the bulk image as birther-peer does, or at fault; `served` counts the contents that it sent. */
export type PeerDouble = { readonly listener: Listener; readonly served: () => number };

/** Accepts one key; requests with another one are refused. */
export function peerDouble(kind: PeerKind, key: string): PeerDouble {
  let served = 0;
  let answers = 0;
  const [, , changed] = [...byHash.keys()];
  const has = (sha512: string) => byHash.has(sha512) && !(kind === "lacks" && sha512 === changed);
  function answer(hashes: readonly string[]): Uint8Array {
    const firstMissing = hashes.findIndex((sha512) => !has(sha512));
    const known = firstMissing < 0 ? hashes : hashes.slice(0, firstMissing);
    switch (kind) {
      case "full":
        return Buffer.from("HTTP/1.1 503 full\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
      case "silent":
        return none;
      case "waits":
        return Buffer.from(ok);
      case "slow":
      case "endless":
      case "serves":
      case "lacks":
      case "lies":
      case "breaks":
      case "breaksOnce": {
        answers += 1;
        const bodies = known.flatMap((sha512) => {
          const content = byHash.get(sha512) ?? Buffer.alloc(0);
          served += 1;
          return [
            Buffer.from(`${sha512} ${content.length}\n`),
            kind === "lies" ? Buffer.alloc(content.length) : content,
          ];
        });
        const missing = hashes[firstMissing];
        const upTo = missing === undefined ? [] : [Buffer.from(`${missing} ${kind === "lacks" ? "!" : "-"}\n`)];
        const all = Buffer.concat([Buffer.from(ok), ...bodies, ...upTo]);
        const isCut = kind === "breaks" || kind === "slow" || (kind === "breaksOnce" && answers === 1);
        return isCut ? all.subarray(0, Math.min(1_500_000, all.length >> 1)) : all;
      }
    }
  }
  function connect(): ReturnType<Listener["connect"]> {
    let text = "";
    let first = "";
    const later = () => {
      if (kind === "waits") return { bytes: Buffer.from(`${first} ?\n`), afterMs: 1000 };
      if (kind === "slow") return { bytes: Buffer.alloc(100), afterMs: 200 };
      if (kind === "endless") return { bytes: Buffer.alloc(1 << 16), afterMs: 1 };
      return { bytes: none, afterMs: Number.POSITIVE_INFINITY };
    };
    return {
      exchange: (bytes) => {
        text += Buffer.from(bytes).toString("latin1");
        const [head = "", body] = text.split("\r\n\r\n");
        const length = Number(/content-length: (\d+)/i.exec(head)?.[1]);
        if (body === undefined || body.length < length) return { bytes: none, closed: false };
        const mac = createHmac("sha256", Buffer.from(key, "hex")).update(`POST /objects\n${body}`).digest("hex");
        if (!head.includes(`Birther-Peer ${mac}`))
          return { bytes: Buffer.from("HTTP/1.1 401 refused\r\ncontent-length: 0\r\n\r\n"), closed: true };
        const hashes = body.split("\n").filter((line) => line !== "");
        first = hashes[0] ?? "";
        return {
          bytes: answer(hashes),
          closed: ["serves", "lacks", "lies", "full", "breaks", "breaksOnce"].includes(kind),
        };
      },
      ...(["waits", "slow", "endless", "silent"].includes(kind) ? { later } : {}),
      close: () => undefined,
    };
  }
  return { listener: { connect }, served: () => served };
}

import { type ChildProcess, spawn } from "node:child_process";
import { createHash, createHmac, randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { native } from "./native-program.ts";

/** A key of the fleet, in hex. */
export const newKey = (): string => randomBytes(32).toString("hex");

export const sha512Of = (content: Buffer): string => createHash("sha512").update(content).digest("hex");

/** The program birther-peer over a store in a temporary directory. */
export type PeerServer = {
  readonly directory: string;
  readonly port: number;
  readonly child: ChildProcess;
  readonly set: (key: string, options?: { readonly former?: string; readonly bytesPerSecond?: number }) => void;
  /** Stores a content as the agent does and returns its hash. */
  readonly store: (content: Buffer) => Promise<string>;
  readonly close: () => Promise<void>;
};

/** Starts the program; it serves nobody until `set`. With a root it also serves the contents of the table in the directory. */
export async function startPeerServer(
  of: { readonly root: string; readonly table: string } | undefined = undefined,
): Promise<PeerServer> {
  const directory = await mkdtemp(join(tmpdir(), "birther-peer-"));
  const table = join(directory, "table");
  if (of !== undefined) await writeFile(table, of.table, { mode: 0o600 });
  const child = spawn(await native, [directory, "127.0.0.1", "0", ...(of === undefined ? [] : [of.root, table])], {
    argv0: "birther-peer",
    stdio: ["pipe", "pipe", "inherit"],
  });
  const [line] = await Promise.race([once(child.stdout, "data"), once(child, "exit")]);
  const port = Number(/^listening (\d+)\n$/.exec(String(line))?.[1]);
  if (!(port > 0)) throw new Error(`birther-peer: ${line}`);
  const exited = once(child, "exit");
  let count = 0;
  return {
    directory,
    port,
    child,
    set: (key, { former = "-", bytesPerSecond = 0 } = {}) =>
      void child.stdin.write(`${bytesPerSecond} ${key} ${former}\n`),
    store: async (content) => {
      const sha512 = sha512Of(content);
      const draft = join(directory, `draft-${count++}`);
      await writeFile(draft, content, { mode: 0o600 });
      await mkdir(join(directory, "objects", sha512.slice(0, 2)), { recursive: true, mode: 0o700 });
      await rename(draft, pathOf(directory, sha512));
      return sha512;
    },
    close: async () => {
      child.stdin.end();
      if (child.exitCode === null && child.signalCode === null) await exited;
      await rm(directory, { recursive: true });
    },
  };
}

export function pathOf(directory: string, sha512: string): string {
  return join(directory, "objects", sha512.slice(0, 2), sha512.slice(2));
}

/** The body of a request for these contents. */
export const bodyOf = (hashes: readonly string[]): string => hashes.map((each) => `${each}\n`).join("");

export function macOf(key: string, body: string): string {
  return createHmac("sha256", Buffer.from(key, "hex")).update(`POST /objects\n${body}`).digest("hex");
}

/** A whole request, whose MAC is right. */
export function requestFor(
  key: string,
  hashes: readonly string[],
  body: string = bodyOf(hashes),
  more: readonly string[] = [],
): string {
  const own = [`host: x`, `authorization: Birther-Peer ${macOf(key, body)}`, `content-length: ${body.length}`];
  const headers = [...own, ...more];
  return `POST /objects HTTP/1.1\r\n${headers.join("\r\n")}\r\n\r\n${body}`;
}

/** A whole request that wants the first content from a byte on. */
export const restFor = (key: string, hashes: readonly string[], from: string): string =>
  requestFor(key, hashes, bodyOf(hashes), [`Birther-From: ${from}`]);

/** A whole request that wants a part of the first content. */
export const partFor = (
  key: string,
  hashes: readonly string[],
  { from, to }: { readonly from: string; readonly to: string },
): string => requestFor(key, hashes, bodyOf(hashes), [`Birther-From: ${from}`, `Birther-To: ${to}`]);

/** A connection that has sent this; what ends it is no error here. */
export function send(port: number, text: string): Socket {
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  socket.on("error", () => undefined);
  socket.write(text);
  return socket;
}

/** All that a connection receives until its end, or its loss. */
export async function received(socket: Socket): Promise<Buffer> {
  const pieces: Buffer[] = [];
  socket.on("data", (piece: Buffer) => pieces.push(piece));
  if (!socket.closed)
    await new Promise<void>((resolve) => {
      socket.once("close", () => resolve());
      socket.once("end", () => {
        socket.end();
        resolve();
      });
    });
  return Buffer.concat(pieces);
}

/** The answer to a request. */
export async function ask(port: number, text: string): Promise<{ readonly status: number; readonly body: Buffer }> {
  const all = await received(send(port, text));
  const end = all.indexOf("\r\n\r\n");
  const status = Number(/^HTTP\/1\.1 (\d+)/.exec(all.subarray(0, 64).toString("latin1"))?.[1] ?? 0);
  return { status, body: all.subarray(end < 0 ? all.length : end + 4) };
}

/** Waits until it holds; throws after the limit. */
export async function until(what: string, holds: () => boolean | Promise<boolean>, limitMs = 60_000): Promise<void> {
  for (const endMs = Date.now() + limitMs; !(await holds()); ) {
    if (Date.now() > endMs) throw new Error(`waited ${limitMs / 1000} s for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

import { readFileSync, statSync } from "node:fs";
import { failure } from "./failure.ts";
import type { ServerOptions } from "./server-options.ts";

/** A server on another machine, and what is needed to trust it and to be known to it. */
export type Remote = {
  readonly host: string;
  readonly port: number;
  /** PEM text of the authority; the system's own where it is not said. */
  readonly ca?: string;
  readonly token: string;
};

/** Where operators' APIs listen if a URL does not say. */
const defaultPort = 8443;

/**
 * The server that `--server` or BIRTHER_SERVER names; undefined where one on this machine is meant. A state directory is
 * never taken for it silently: a rebirth must not hit the wrong fleet.
 */
export function findRemote(options: Pick<ServerOptions, "state" | "server" | "ca" | "tokenFile">): Remote | undefined {
  const { state, server, ca: caOption, tokenFile } = options;
  if (state !== undefined && server === undefined) return undefined;
  const text = server ?? process.env.BIRTHER_SERVER;
  if (text === undefined || text === "") return undefined;
  const otherPlace = state ?? (server === undefined ? process.env.BIRTHER_STATE : undefined);
  if (otherPlace !== undefined && otherPlace !== "") {
    throw failure("misused", `${text} and ${otherPlace} are two servers`, "say which: --server URL or --state DIR");
  }
  const url = URL.parse(text);
  if (url?.protocol !== "https:" || url.pathname !== "/" || url.search !== "" || url.username !== "") {
    throw failure(
      "misused",
      `--server ${text}`,
      "meant is https://HOST:PORT: a token is shown to verified servers only",
    );
  }
  const ca = caOption ?? process.env.BIRTHER_CA;
  return {
    // Brackets are how a URL writes an IPv6 address, and no part of it.
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port: url.port === "" ? defaultPort : Number(url.port),
    token: tokenIn(tokenFile),
    ...(ca === undefined || ca === "" ? {} : { ca: readText(ca, "--ca") }),
  };
}

function tokenIn(file: string | undefined): string {
  const token = file === undefined ? process.env.BIRTHER_TOKEN : readText(file, "--token-file");
  if (token === undefined || token.trim() === "") {
    const next =
      "set BIRTHER_TOKEN, or name a file: --token-file FILE; on the server: birther tokens create NAME --role viewer";
    throw failure("misused", "a server on another machine wants a token", next);
  }
  if (file !== undefined && (statSync(file).mode & 0o077) !== 0) {
    process.stderr.write(`warning: others on this machine may read ${file}: chmod 600 ${file}\n`);
  }
  return token.trim();
}

function readText(path: string, option: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    const why = (cause as NodeJS.ErrnoException).code ?? String(cause);
    throw failure("misused", `${option} ${path} cannot be read (${why})`, "name a file that is there");
  }
}

/** What verification says of a certificate, as against a server that is not there. */
const untrusted = /CERT|SELF_SIGNED|UNABLE_TO|ERR_TLS|ERR_SSL|EPROTO/;

/** Why a server on another machine could not be asked, in words that help. */
export function remoteFailure({ host, port, ca }: Remote, cause: unknown): Error {
  const { code = "", message = String(cause) } = cause as NodeJS.ErrnoException;
  if (untrusted.test(code)) {
    const next =
      ca === undefined
        ? "name its authority: --ca FILE (pki/ca.pem in the server's state directory, copied by a way you trust)"
        : "the file is another server's authority, or the certificate lacks this name: operators.names in its configuration";
    return failure("failed", `the certificate of ${host}:${port} is not trusted (${message}); no token was sent`, next);
  }
  return failure(
    "noServer",
    `no server answers at ${host}:${port} (${code || message})`,
    "is it running, and the port open?",
  );
}

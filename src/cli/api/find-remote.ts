import { readFileSync, statSync } from "node:fs";
import { errorCode } from "../../core/error-code.ts";
import { warn } from "../output/warn.ts";
import { failure } from "./failure.ts";
import type { ServerOptions } from "./server-options.ts";

/** A server on another machine, the authority to verify it and the token to authenticate with. */
export type Remote = {
  readonly host: string;
  readonly port: number;
  /** PEM text of the authority; the system's authorities by default. */
  readonly ca?: string;
  readonly token: string;
};

/** The port of the operators' API in a URL without a port. */
const defaultPort = 8443;

/**
 * The server that `--server` or BIRTHER_SERVER names; undefined for a server on this machine. Naming both a server and a
 * state directory is refused: a rebirth must not reach the wrong fleet.
 */
export function findRemote(options: Pick<ServerOptions, "state" | "server" | "ca" | "tokenFile">): Remote | undefined {
  const { state, server, ca: caOption, tokenFile } = options;
  if (state !== undefined && server === undefined) return undefined;
  const text = server ?? process.env.BIRTHER_SERVER;
  if (text === undefined || text === "") return undefined;
  const stateDirectory = state ?? (server === undefined ? process.env.BIRTHER_STATE : undefined);
  if (stateDirectory !== undefined && stateDirectory !== "") {
    throw failure(
      "misused",
      `expected one server, found two: ${text} and ${stateDirectory}`,
      "choose one with --server URL or --state DIR",
    );
  }
  const url = URL.parse(text);
  if (url?.protocol !== "https:" || url.pathname !== "/" || url.search !== "" || url.username !== "") {
    throw failure(
      "misused",
      `--server: expected https://HOST:PORT, found ${text}`,
      "use https: a token is sent only to a verified server",
    );
  }
  const ca = caOption ?? process.env.BIRTHER_CA;
  return {
    // A URL puts an IPv6 address in brackets, which are not part of it.
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
      "set BIRTHER_TOKEN or use --token-file FILE; to create a token on the server: birther tokens create NAME --role viewer";
    throw failure("misused", "expected a token for a server on another machine, found none", next);
  }
  if (file !== undefined && (statSync(file).mode & 0o077) !== 0) {
    warn(`warning: other users can read ${file}; to protect it: chmod 600 ${file}`);
  }
  return token.trim();
}

function readText(path: string, option: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    const why = errorCode(cause) || String(cause);
    throw failure("misused", `${option}: cannot read ${path} (${why})`, "check the path and its permissions");
  }
}

/** The error codes of certificate verification, as opposed to an unreachable server. */
const untrusted = /CERT|SELF_SIGNED|UNABLE_TO|ERR_TLS|ERR_SSL|EPROTO/;

/** The error for an unreachable or untrusted server on another machine, with a next step. */
export function remoteFailure({ host, port, ca }: Remote, cause: unknown): Error {
  const code = errorCode(cause);
  const message = cause instanceof Error ? cause.message : String(cause);
  if (untrusted.test(code)) {
    const next =
      ca === undefined
        ? "name its authority with --ca FILE (pki/ca.pem in the server's state directory, copied over a trusted channel)"
        : "check that the file is the authority of this server, and that operators.names in its configuration lists this name";
    return failure("failed", `the certificate of ${host}:${port} is not trusted (${message}); no token was sent`, next);
  }
  return failure(
    "noServer",
    `no server answers at ${host}:${port} (${code || message})`,
    "check that it is running and that the port is not blocked",
  );
}

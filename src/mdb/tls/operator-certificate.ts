import { readFileSync } from "node:fs";
import { hostname, networkInterfaces } from "node:os";
import type { Config } from "../../contract/config/schema.ts";
import { formatIpv4 } from "../../core/net/ipv4.ts";
import type { Clock, Log } from "../../core/ports.ts";
import { openPki, type PkiPlace } from "./pki.ts";

/** PEM texts of a certificate (with its chain) and its key. */
export type Certificate = { readonly certificatePem: string; readonly keyPem: string };

/**
 * The certificate of the operators' API: the configured one, read again each time; otherwise one of our own authority
 * for all names and addresses of this server.
 */
export function operatorCertificate(options: {
  readonly config: Config["operators"];
  readonly pki: PkiPlace;
  readonly clock: Clock;
  readonly log: Log;
}): () => Promise<Certificate> {
  const { config, pki, clock, log } = options;
  const { certificate, key } = config;
  if (certificate !== undefined && key !== undefined) {
    return async () => ({
      certificatePem: readPem("operators.certificate", certificate),
      keyPem: readPem("operators.key", key),
    });
  }
  const addresses = config.addresses.map(formatIpv4);
  const everywhere = addresses.includes("0.0.0.0");
  const ours = Object.values(networkInterfaces()).flatMap((all = []) =>
    all.flatMap(({ address, family }) => (family === "IPv4" ? [address] : [])),
  );
  // An invalid DNS name (with `_`, for example) would make the certificate invalid.
  const host = hostname().toLowerCase();
  const named = [host, ...config.names].filter((name) => /^[a-z0-9.-]+$/i.test(name));
  const names = new Set(["localhost", ...named, "127.0.0.1", ...(everywhere ? ours : addresses)]);
  return () => openPki({ ...pki, clock, log, server: { file: "operators", names: [...names] } });
}

function readPem(key: string, path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new Error(`${key}: reading ${path} failed; make it readable for the server's user, or remove the key`, {
      cause,
    });
  }
}

import { formatIpv4, parseIpv4 } from "../net/ipv4.ts";
import type { FetchSource } from "./update/directive.ts";

/** A mirror of the contents: an HTTP cache whose server is `ports.images`. */
export type ObjectMirror = Required<FetchSource>;

const form = /^http:\/\/([\d.]+)(?::(\d{1,5}))?((?:\/[A-Za-z0-9._~%-]+)*)\/?$/;

/** Reads `http://ADDRESS[:PORT][/PATH]`; undefined for anything else: an agent knows no names and no TLS of others. */
export function parseObjectMirror(url: string): ObjectMirror | undefined {
  const [, host = "", portText = "80", path = ""] = form.exec(url) ?? [];
  const address = parseIpv4(host);
  const port = Number(portText);
  return address === undefined || port < 1 || port > 65_535 ? undefined : { address: formatIpv4(address), port, path };
}

/** The mirrors in the order in which a machine asks them: each begins at its own, so that all have a share of the machines. */
export function spreadMirrors(mirrors: readonly ObjectMirror[], machine: string): readonly FetchSource[] {
  const sum = [...machine].reduce((total, digit) => (total * 31 + (digit.codePointAt(0) ?? 0)) % 65_521, 0);
  const first = mirrors.length === 0 ? 0 : sum % mirrors.length;
  // The agent expects no empty path.
  return [...mirrors.slice(first), ...mirrors.slice(0, first)].map(({ path, ...mirror }) =>
    path === "" ? mirror : { ...mirror, path },
  );
}

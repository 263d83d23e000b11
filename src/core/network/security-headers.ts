/** Headers by their lower-case names. */
type Headers = { readonly [name: string]: string };

/**
 * What every answer over HTTP carries: a browser that is led to it takes it for nothing else, runs nothing in it, shows
 * it in no frame, and names it to nobody.
 */
export const securityHeaders: Headers = {
  "x-content-type-options": "nosniff",
  "content-security-policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "referrer-policy": "no-referrer",
};

/** What every answer of an API carries as well: it may hold a secret, or what only its caller may read. */
export const apiHeaders: Headers = { ...securityHeaders, "cache-control": "no-store" };

/** What every answer over TLS carries as well: this name is reached over TLS only, for a year (RFC 6797). */
export const tlsHeaders: Headers = { ...apiHeaders, "strict-transport-security": "max-age=31536000" };

/** Statuses for Node's codes of what is not a readable request; all others are 400. */
const statuses: { readonly [code: string]: string | undefined } = {
  ERR_HTTP_REQUEST_TIMEOUT: "408 Request Timeout",
  HPE_HEADER_OVERFLOW: "431 Request Header Fields Too Large",
  HPE_CHUNK_EXTENSIONS_OVERFLOW: "413 Payload Too Large",
};

/**
 * The whole answer to what cannot be read as a request, such as folded headers (RFC 9112 §5.2) or lines that end with a
 * bare LF; `code` is Node's code of the fault. The connection ends with it.
 */
export function unreadableAnswer(code: string | undefined, headers: Headers): string {
  const status = statuses[code ?? ""] ?? "400 Bad Request";
  const lines = Object.entries({ ...headers, connection: "close", "content-length": "0" });
  return [`HTTP/1.1 ${status}`, ...lines.map(([name, value]) => `${name}: ${value}`), "", ""].join("\r\n");
}

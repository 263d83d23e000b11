import { screenOf } from "../../contract/operator/screens.ts";

/** A file of the dashboard, with the form in which each content coding sends it. */
export type PageFile = {
  readonly type: string;
  readonly headers: { readonly [name: string]: string };
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly br: Uint8Array<ArrayBuffer>;
  readonly gzip: Uint8Array<ArrayBuffer>;
};

/** The dashboard as main supplies it: its one page, which every screen is a part of, and its files by their paths. */
export type Pages = { readonly page: PageFile; readonly files: ReadonlyMap<string, PageFile> };

/**
 * What the dashboard's page may do: run and load only files of this server, call only its API, and make no markup from text
 * (CSP 3, Trusted Types).
 */
const pagePolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  ...["base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"],
  ...["require-trusted-types-for 'script'", "trusted-types 'none'"],
].join("; ");

const pageHeaders = {
  "content-security-policy": pagePolicy,
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
} as const;

/** Answers requests for the dashboard; undefined for those that are the API's. */
export function pageHandler(pages: () => Promise<Pages>): (request: Request) => Promise<Response | undefined> {
  return async (request) => {
    if (request.method !== "GET" && request.method !== "HEAD") return undefined;
    const { pathname } = new URL(request.url);
    if (pathname.startsWith("/assets/")) {
      const file = (await pages()).files.get(pathname);
      // One of another version: the page that asks for it has to load itself anew.
      return file === undefined ? new Response(null, { status: 404 }) : answer(request, file);
    }
    return screenOf(pathname) === undefined ? undefined : answer(request, (await pages()).page);
  };
}

function answer(request: Request, file: PageFile): Response {
  const [coding, bytes] = codedFor(request.headers.get("accept-encoding") ?? "", file);
  const headers = {
    ...{ ...pageHeaders, ...file.headers, "content-type": file.type, "content-length": String(bytes.length) },
    ...{ vary: "accept-encoding", ...(coding === undefined ? {} : { "content-encoding": coding }) },
  };
  if (file.headers.etag !== undefined && request.headers.get("if-none-match") === file.headers.etag) {
    const { "content-length": _length, ...rest } = headers;
    return new Response(null, { status: 304, headers: rest });
  }
  return new Response(request.method === "HEAD" ? null : bytes, { headers });
}

function codedFor(accepted: string, { br, gzip, bytes }: PageFile): readonly [string | undefined, PageFile["bytes"]] {
  const codings = accepted.split(",").map((part) => part.trim().toLowerCase());
  const allows = (coding: string) =>
    codings.some((given) => given === coding || given.startsWith(`${coding};q=0.`) || given === `${coding};q=1`);
  if (allows("br")) return ["br", br];
  return allows("gzip") ? ["gzip", gzip] : [undefined, bytes];
}

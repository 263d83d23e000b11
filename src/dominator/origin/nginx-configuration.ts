import { packPath } from "../../contract/sub.ts";
import { securityHeaders, tlsHeaders } from "../../core/network/security-headers.ts";
import { tls12Ciphers } from "../../core/network/tls-ciphers.ts";
import { immutableCacheControl } from "../storage/objects-handler.ts";

/** Which packs nginx sends. */
export type NginxContents =
  /** Those in the directory of the public contents, which has `packs`, to everybody. */
  | { readonly kind: "public"; readonly objects: string }
  /** Over TLS what the process behind it names, below the directory of confidential contents, by stream. */
  | { readonly kind: "confidential"; readonly streams: string; readonly tls: TlsFiles };

/** The files of a server's certificate and of its key, PEM; they may be renewed at any time. */
export type TlsFiles = { readonly certificate: string; readonly key: string };

/** What nginx serves, and where. */
export type NginxSettings = {
  readonly addresses: readonly string[];
  readonly port: number;
  readonly serves: NginxContents;
  readonly connectionsPerAddress: number;
  /** Connections in all. */
  readonly connections: number;
  readonly workers: number;
  /** The answer at `alivePath`, which another program at this port would not give. */
  readonly token: string;
  /** Whether root starts it; its workers then stay root, without the capabilities, because the files belong to root. */
  readonly asRoot: boolean;
};

/** The socket of the process that answers everything but packs, below the directory in which nginx runs. */
export const objectsSocket = "objects.sock";

/** By what the process behind nginx names confidential packs; clients cannot ask for it. */
export const streamsPath = "/streams/";

/** In which nginx tells that process the address of the client. */
export const clientHeader = "x-real-ip";

/** Where the server sees that its own nginx answers. */
export const alivePath = "/alive";

/** Directories below that directory, which nginx wants although it writes nothing there. */
const temporaryPaths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];

/**
 * The configuration of nginx: packs are sent by sendfile, and all other requests go to a process of ours. `add_header ETag` comes before
 * nginx looks at If-Range and after it looks at If-None-Match, which is therefore answered here.
 */
export function nginxConfiguration(settings: NginxSettings): string {
  const { addresses, port, serves, connectionsPerAddress, connections, workers, token, asRoot } = settings;
  const listen = `${port}${serves.kind === "confidential" ? " ssl" : ""} backlog=4096`;
  return `# Written by birther serve at each start; changes are lost.
daemon off;
${asRoot ? "user root root;\n" : ""}worker_processes ${workers};
pid nginx.pid;
error_log stderr crit;
events { worker_connections ${connections}; }
http {
  access_log off;
  log_not_found off;
  server_tokens off;
  default_type application/octet-stream;
  sendfile on;
  sendfile_max_chunk 2m;
  tcp_nopush on;
  open_file_cache max=1000 inactive=1m;
  open_file_cache_errors off;
  keepalive_timeout 30s;
  keepalive_requests 100000;
  client_header_timeout 10s;
  client_body_timeout 60s;
  send_timeout 120s;
  reset_timedout_connection on;
  client_max_body_size 13m;
  ${temporaryPaths.map((name) => `${name}_temp_path ${name};`).join(" ")}
  limit_conn_zone $binary_remote_addr zone=clients:10m;
  limit_conn clients ${connectionsPerAddress};
  server {
    ${addresses.map((address) => `listen ${address}:${listen};`).join("\n    ")}
    ${(serves.kind === "public" ? publicPacks(serves) : confidentialPacks(serves)).join("\n    ")}
    location = ${alivePath} { return 200 "${token}"; }
    location / {
      proxy_pass http://unix:${objectsSocket}:;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header ${clientHeader} $remote_addr;
      proxy_request_buffering off;
      proxy_buffering off;
      proxy_read_timeout 120s;
      proxy_next_upstream off;
    }
  }
}
`;
}

function publicPacks({ objects }: Extract<NginxContents, { kind: "public" }>): readonly string[] {
  return [
    `location ~ "^${packPath}(?<name>[0-9a-f]{128}(\\.index)?)$" {`,
    `  root ${quoted(objects)};`,
    '  if ($http_if_none_match = "\\"$name\\"") { return 304; }',
    '  add_header ETag "\\"$name\\"";',
    ...packAnswers(immutableCacheControl, securityHeaders),
    "}",
  ];
}

/** TLS like that of the port for machines (mdb/tls/server.ts). */
function confidentialPacks({ streams, tls }: Extract<NginxContents, { kind: "confidential" }>): readonly string[] {
  return [
    `ssl_certificate ${quoted(tls.certificate)};`,
    `ssl_certificate_key ${quoted(tls.key)};`,
    "ssl_protocols TLSv1.2 TLSv1.3;",
    `ssl_ciphers ${tls12Ciphers.join(":")};`,
    "ssl_prefer_server_ciphers on;",
    "ssl_session_tickets off;",
    // To one client 1,251 MB/s at 0.63 CPU s per GB, with nginx's own 32 KiB 1,105 at 0.82; to 64 clients the same.
    "output_buffers 2 256k;",
    `location ${streamsPath} {`,
    "  internal;",
    `  alias ${quoted(`${streams}/`)};`,
    ...packAnswers(tlsHeaders["cache-control"] ?? "", tlsHeaders),
    "}",
  ];
}

function packAnswers(cacheControl: string, others: { readonly [name: string]: string }): readonly string[] {
  const { "cache-control": _other, ...headers } = others;
  return [
    ...["etag off;", "if_modified_since off;", "max_ranges 1;", 'add_header Last-Modified "";'],
    `add_header Cache-Control "${cacheControl}";`,
    ...Object.entries(headers).map(([name, value]) => `add_header ${name} "${value}" always;`),
  ].map((line) => `  ${line}`);
}

/** A path as nginx reads it: `$` would begin a variable. */
function quoted(path: string): string {
  if (/[$"\\\n]/.test(path))
    throw new Error(`the state directory: expected a path without $, " and \\ for nginx, found ${path}`);
  return `"${path}"`;
}

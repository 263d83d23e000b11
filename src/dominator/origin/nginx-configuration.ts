import { packPath } from "../../contract/sub.ts";
import { securityHeaders } from "../../core/network/security-headers.ts";
import { immutableCacheControl } from "../storage/objects-handler.ts";

/** What nginx serves, and where. */
export type NginxSettings = {
  readonly addresses: readonly string[];
  readonly port: number;
  /** The directory of the public contents, which has `packs`. */
  readonly objects: string;
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

/** Where the server sees that its own nginx answers. */
export const alivePath = "/alive";

/** Directories below that directory, which nginx wants although it writes nothing there. */
const temporaryPaths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];

/**
 * The configuration of nginx: packs are sent by sendfile, and all other requests go to a process of ours. `add_header ETag` comes before
 * nginx looks at If-Range and after it looks at If-None-Match, which is therefore answered here.
 */
export function nginxConfiguration(settings: NginxSettings): string {
  const { addresses, port, objects, connectionsPerAddress, connections, workers, token, asRoot } = settings;
  const headers = Object.entries(securityHeaders).map(([name, value]) => `add_header ${name} "${value}" always;`);
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
    ${addresses.map((address) => `listen ${address}:${port} backlog=4096;`).join("\n    ")}
    location ~ "^${packPath}(?<name>[0-9a-f]{128}(\\.index)?)$" {
      root ${quoted(objects)};
      etag off;
      if_modified_since off;
      max_ranges 1;
      if ($http_if_none_match = "\\"$name\\"") { return 304; }
      add_header ETag "\\"$name\\"";
      add_header Last-Modified "";
      add_header Cache-Control "${immutableCacheControl}";
      ${headers.join("\n      ")}
    }
    location = ${alivePath} { return 200 "${token}"; }
    location / {
      proxy_pass http://unix:${objectsSocket}:;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_request_buffering off;
      proxy_buffering off;
      proxy_read_timeout 120s;
      proxy_next_upstream off;
    }
  }
}
`;
}

/** A path as nginx reads it: `$` would begin a variable. */
function quoted(path: string): string {
  if (/[$"\\\n]/.test(path))
    throw new Error(`the state directory: expected a path without $, " and \\ for nginx, found ${path}`);
  return `"${path}"`;
}

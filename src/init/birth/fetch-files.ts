import * as host from "host";
import * as os from "os";
import type { Endpoint } from "../../core/net/endpoint.ts";
import { formatIpv4 } from "../../core/net/ipv4.ts";
import { checked } from "../system/errno.ts";
import { makeDirectories, writeToDescriptor } from "../system/files.ts";
import { openHttp } from "../system/http.ts";
import { stop } from "./stop.ts";

const otherServer = "restart Birther; if the error persists, look for another HTTP server at its address";
/** Signed loaders have one or two MiB; what is larger is another server's answer, and must not fill the memory. */
const maxFileBytes = 16 << 20;

/**
 * Fetches files over plain HTTP. A file whose SHA-512 differs from the order's, which came over TLS, ends the birth.
 */
export function fetchFiles(
  http: Endpoint,
  files: readonly { readonly path: string; readonly sha512: string; readonly to: string }[],
): void {
  const client = openHttp({ address: formatIpv4(http.address), port: http.port });
  try {
    for (const { path, sha512, to } of files) {
      makeDirectories(to.slice(0, to.lastIndexOf("/")));
      const fd = checked(`make ${to}`, os.open(to, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600));
      let length = 0;
      try {
        client.get(path, (bytes) => {
          length += bytes.length;
          if (length > maxFileBytes)
            throw stop(`fetching ${path}: expected at most ${maxFileBytes} bytes, found more`, otherServer);
          writeToDescriptor(fd, bytes, `write ${to}`);
        });
      } finally {
        os.close(fd);
      }
      if (host.sha512File(to) !== sha512)
        throw stop(`fetching ${path}: expected the SHA-512 of the order, found another one`, otherServer);
    }
  } finally {
    client.close();
  }
}

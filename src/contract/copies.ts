/**
 * How the servers of a database fetch images and log lines from each other: over TLS, on the machines' port, with a secret that only they
 * know as a bearer token.
 */
export const copyPaths = {
  /** Everything below. */
  all: "/server/v1/",
  /** `GET HEX`: the manifest whose bytes have this SHA-512, of whatever image. */
  manifest: "/server/v1/manifests/",
  /** `POST STREAM`, with hashes and an answer as for `objectPaths.batch`: what an image of the stream may contain. */
  objects: "/server/v1/objects/",
  /** `GET ID`: the log lines of a machine that the server keeps, as in its files. */
  log: "/server/v1/log/",
} as const;

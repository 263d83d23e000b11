import { formatIpv4 } from "../../core/net/ipv4.ts";
import { type Origin, openOrigin } from "../../dominator/origin/origin.ts";
import { rightOf } from "../../dominator/sub/right.ts";
import { openPki, serverFiles } from "../../mdb/tls/pki.ts";
import { addressesOf, pkiOf, type Shared } from "./shared.ts";

/** Serves public images on a port of their own, outside this process. */
export function serveImages(shared: Shared): Promise<Origin> {
  const { config, paths } = shared;
  return openOrigin({
    ...placeOfOrigin(shared),
    ...{ port: config.ports.images, directory: paths.origin },
  });
}

/** Serves confidential images in the same way over TLS; this process decides who may read. */
export async function serveConfidential(shared: Shared): Promise<Origin> {
  const { config, paths, store, clock, log } = shared;
  // Makes the certificate if it is missing; later the server for machines renews it.
  await openPki({ ...pkiOf(shared), clock, log });
  return await openOrigin({
    ...placeOfOrigin(shared),
    ...{ port: config.ports.confidential, directory: paths.confidentialOrigin },
    confidential: {
      ...{ streams: paths.confidentialObjects, tls: serverFiles(paths.pki) },
      rightOf: (authorization) => rightOf(authorization, store),
      requestsPerMinute: config.maxRequestsPerMinute,
    },
  });
}

function placeOfOrigin({ config, paths, log }: Shared) {
  return {
    ...{ addresses: addressesOf(config).map(formatIpv4), objects: paths.objects, images: paths.images, log },
    connectionsPerAddress: config.maxConnectionsPerAddress,
    program: new URL("./origin-program.ts", import.meta.url),
  };
}

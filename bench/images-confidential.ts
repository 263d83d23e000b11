import { hash } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { getRequestListener } from "@hono/node-server";
import { credentialFor } from "../src/contract/credential.ts";
import type { Machine, MachineId } from "../src/core/machine/record.ts";
import { testMachine } from "../src/core/machine/testing/test-machine.ts";
import { ip } from "../src/core/net/testing/addresses.ts";
import { openOrigin } from "../src/dominator/origin/origin.ts";
import { confidentialStores } from "../src/dominator/storage/confidential-stores.ts";
import { openImageStore } from "../src/dominator/storage/image-store.ts";
import { openObjectStore } from "../src/dominator/storage/object-store.ts";
import { confidentialApp } from "../src/dominator/sub/confidential-app.ts";
import { rightOf } from "../src/dominator/sub/right.ts";
import { systemClock as clock } from "../src/main/system-ports.ts";
import { openPki, type ServerIdentity, serverFiles } from "../src/mdb/tls/pki.ts";
import { startTlsServer } from "../src/mdb/tls/server.ts";

const id = "m-525400b10001" as MachineId;
const credential = credentialFor(id, "5e".repeat(32));
const log = () => undefined;

/** What the servers of confidential contents share: a store of one stream, a certificate, and a machine that may read. */
export type ConfidentialPlace = {
  readonly place: string;
  readonly host: string;
  readonly identity: ServerIdentity;
  readonly tls: { readonly certificate: string; readonly key: string };
  /** How a client asks. */
  readonly curlOptions: string;
};

/** The contents of the stream are in `PLACE/streams/compute`. */
export async function prepareConfidential(place: string, host: string): Promise<ConfidentialPlace> {
  const pki = join(place, "pki");
  mkdirSync(pki, { recursive: true });
  const identity = await openPki({ directory: pki, clock, log });
  return {
    ...{ place, host, identity, tls: serverFiles(pki) },
    // The certificate is for a name.
    curlOptions: `--cacert '${join(pki, "ca.pem")}' --connect-to ::${host} -H 'authorization: Bearer ${credential}'`,
  };
}

/** One machine of the stream. */
function machines() {
  const machine: Machine = testMachine("healthy", {
    ...{ id, requiredImage: "compute/1", phase: "handedOver" },
    subTokenHash: hash("sha256", credential),
  });
  return { get: (asked: MachineId) => (asked === id ? machine : undefined), unreadableWith: () => undefined };
}

/** The port for confidential images, whose questions this process answers. */
export async function startConfidentialOrigin(
  { place, host, tls }: ConfidentialPlace,
  port: number,
  nginx: string | undefined,
): Promise<AsyncDisposable> {
  const store = machines();
  return await openOrigin({
    ...{ addresses: [host], port, objects: join(place, "objects"), images: join(place, "images"), nginx, log },
    ...{ directory: join(place, `run-${port}`), connectionsPerAddress: 256 },
    program: new URL("../src/main/server/origin-program.ts", import.meta.url),
    confidential: {
      ...{ streams: join(place, "streams"), tls, requestsPerMinute: 1_000_000 },
      rightOf: (authorization) => rightOf(authorization, store),
    },
  });
}

/** The port for machines, in this process: how agents that do not know the other port fetch. */
export async function startMachinesPort(
  { place, host, identity }: ConfidentialPlace,
  port: number,
): Promise<AsyncDisposable> {
  const app = confidentialApp({
    ...{ store: machines(), images: await openImageStore(join(place, "images"), { log }) },
    objects: await openObjectStore(join(place, "objects")),
    confidential: confidentialStores(join(place, "streams")),
  });
  const listener = getRequestListener(app.fetch);
  return await startTlsServer({
    ...{ addresses: [ip(host)], port, log },
    ...{ certificate: async () => identity, connections: () => 16_384 },
    listener: (request, response) => void listener(request, response),
  });
}

/**
 * The configuration file: one YAML document. Its type, its checks and its documentation all come from this schema:
 * `parse.ts` checks a file against it, and `docs.ts` writes docs/configuration.md from it.
 */
import * as v from "valibot";
import { clientConnectionLimit } from "../../core/network/connections.ts";
import { defaultMaxMachines } from "../../core/network/newcomer-limit.ts";
import { defaultRequestsPerMinute } from "../../core/network/request-rate.ts";
import { leaf, listOf, optional, required, withDefault } from "./entry.ts";
import { bootstrapImage } from "./sections/bootstrap-image.ts";
import { burnIn } from "./sections/burn-in.ts";
import { machineLogs } from "./sections/machine-logs.ts";
import { network } from "./sections/network.ts";
import { networkProfiles } from "./sections/network-profiles.ts";
import { blastRadius, exports, operators } from "./sections/operators.ts";
import { peers } from "./sections/peers.ts";
import { images, placement } from "./sections/site.ts";
import { site } from "./sections/site-plan.ts";
import { storage } from "./sections/storage.ts";
import { watch } from "./sections/watch.ts";
import { count, objectMirror, path, port, seconds } from "./values.ts";

/** The schema of the whole file. */
export const configSchema = v.strictObject({
  stateDirectory: withDefault(
    path,
    "/var/lib/birther",
    "Directory of all persistent data: the MDB, the certificate authority, images and the operators' socket.",
  ),
  networks: required(leaf("at least one network", listOf(network)), "The networks that machines boot from."),
  database: optional(
    leaf(
      "a PostgreSQL database as postgres://USER@HOST/DATABASE",
      v.pipe(v.string(), v.regex(/^postgres(ql)?:\/\/[^/?#]*\/[^/?#]+/), v.maxLength(1024)),
    ),
    "The PostgreSQL database that holds the MDB; several servers may share it. Without this key, the MDB is an SQLite database in `stateDirectory`. " +
      "To name several hosts, write `postgres://USER@ONE,TWO/DATABASE`: Birther uses the primary. " +
      "Keep the password out of this file: Birther reads PGPASSWORD, PGPASSFILE and ~/.pgpass as psql does.",
  ),
  ports: withDefault(
    v.strictObject({
      http: withDefault(
        port,
        80,
        "Plain HTTP: boot scripts, kernel, initramfs, image objects (each verified by its hash).",
      ),
      machines: withDefault(port, 443, "TLS: requests of init and agents to the MDB."),
      images: withDefault(
        port,
        8088,
        "Plain HTTP: contents of public images, sent by nginx or by a process of their own (docs/decisions/origin.md).",
      ),
      confidential: withDefault(
        port,
        8444,
        "TLS: contents of confidential images for the machines of their stream, sent by nginx or by a process of their own (docs/decisions/origin.md).",
      ),
      operators: withDefault(port, 8443, "TLS: the operators' API; callers need a token (`birther tokens create`)."),
    }),
    {},
    "TCP ports of the servers. The ports of DHCP, TFTP and PXE are fixed by their standards.",
  ),
  operators,
  blastRadius,
  maxMachines: withDefault(
    count("a whole number of machines", 1, 10_000_000),
    defaultMaxMachines,
    "Maximum number of machines in the MDB. Once this limit is reached, unknown machines are ignored, and the log says so. An operator can always announce further machines.",
  ),
  maxRequestsPerMinute: withDefault(
    count("a whole number of requests", 60, 1_000_000),
    defaultRequestsPerMinute,
    "Maximum number of requests per minute that one address may send to the ports of machines (`ports.http` and `ports.machines` together, and as many to `ports.confidential`); they may all arrive at once. Further requests are answered with 429 and Retry-After, which init and the agent respect. A birth needs about a hundred requests. Raise the limit where many machines share an address.",
  ),
  maxConnectionsPerAddress: withDefault(
    count("a whole number of connections", 8, 16_384),
    clientConnectionLimit,
    "Maximum number of simultaneous connections that one address may have to each port; further ones are closed at once. A machine needs a few. Raise the limit where many machines share an address.",
  ),
  uplinkMbps: optional(
    count("a whole number of megabits per second", 1, 1_000_000),
    "Bandwidth of this server's uplink that machines may use. Once it is used up, further machines wait in a queue; `birther show` prints their position. Boot images go first; 4 machines and 2 more for each gigabit per second fetch their system image at once. Without this key nobody waits for a boot image, and 64 machines fetch their system image at once.",
  ),
  peers,
  objectMirrors: withDefault(
    v.pipe(v.array(objectMirror), v.maxLength(16)),
    [],
    "HTTP caches of `ports.images` that machines ask for contents of public images, before this server; each machine begins with another one. A mirror that is dead, slow or wrong is left after seconds (docs/images.md).",
  ),
  placement,
  networkProfiles,
  site,
  images,
  bootstrapImage,
  burnIn,
  storage,
  watch,
  machineLogs,
  exports,
  retrySeconds: withDefault(
    seconds(1, 86_400),
    30,
    "How long a machine waits before it restarts after a failed birth, in seconds.",
  ),
  orderSeconds: withDefault(
    seconds(60, 86_400),
    900,
    "How long the token in a boot script is valid, in seconds: from the creation of the script until init requests its order.",
  ),
});

/** The checked configuration with all defaults filled in. */
export type Config = v.InferOutput<typeof configSchema>;
/** The content of the file before defaults are filled in. */
export type ConfigInput = v.InferInput<typeof configSchema>;

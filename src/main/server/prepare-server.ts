import { mkdir } from "node:fs/promises";
import { type BootstrapImage, buildBootstrapImage } from "../../bootstrap-image/build.ts";
import { ensurePackages } from "../../bootstrap-image/install-packages.ts";
import { fetchSecureLoaders } from "../../bootstrap-image/loader/secure-loaders.ts";
import { findSecureBootKey } from "../../bootstrap-image/secure-boot/key.ts";
import type { Log } from "../../core/ports.ts";
import { lockState } from "../../mdb/sqlite/state-lock.ts";
import { bundleOf } from "../../mdb/tls/authorities.ts";
import { openAuthorities } from "../../mdb/tls/pki.ts";
import { packagesOf } from "../packages.ts";
import { cacheDirectory, pathsIn } from "../paths.ts";
import { systemClock } from "../system-ports.ts";

/**
 * Makes the files that `startServer` needs in a state directory: the certificate authority, and the Bootstrap Image
 * that trusts it. Fast when they exist; the first run installs Debian packages, downloads and compiles. Throws while another
 * process does the same, because both would write the same files.
 */
export async function prepareServer(options: {
  readonly stateDirectory: string;
  readonly log: Log;
  /** What machines trust; the authorities in the state directory, the first of which is made, if it is undefined. */
  readonly caPem?: string;
  /** The verb whose Debian packages to install. */
  readonly verb?: keyof typeof packagesOf;
}): Promise<BootstrapImage> {
  const { stateDirectory, log, verb = "serve" } = options;
  const paths = pathsIn(stateDirectory);
  await mkdir(stateDirectory, { recursive: true, mode: 0o700 });
  using _lock = lockState(
    paths.buildLock,
    `another process builds the Bootstrap Image of ${stateDirectory}; wait until it has ended, and run this command again`,
  );
  await ensurePackages(packagesOf[verb], log);
  const { caPem = bundleOf(await openAuthorities({ directory: paths.pki, clock: systemClock, log })) } = options;
  await fetchSecureLoaders({ cacheDirectory, outputDirectory: paths.secureLoaders, log });
  const secureBootKey = await findSecureBootKey(paths.secureBoot);
  return await buildBootstrapImage({
    ...{ cacheDirectory, outputDirectory: paths.bootstrap, caPem, log },
    ...(secureBootKey === undefined ? {} : { secureBootKey }),
  });
}

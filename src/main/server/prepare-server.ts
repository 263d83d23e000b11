import { type BootstrapImage, buildBootstrapImage } from "../../bootstrap-image/build.ts";
import { ensurePackages } from "../../bootstrap-image/install-packages.ts";
import { fetchSecureLoaders } from "../../bootstrap-image/loader/secure-loaders.ts";
import { findSecureBootKey } from "../../bootstrap-image/secure-boot/key.ts";
import type { Log } from "../../core/ports.ts";
import { bundleOf } from "../../mdb/tls/authorities.ts";
import { openAuthorities } from "../../mdb/tls/pki.ts";
import { packagesOf } from "../packages.ts";
import { cacheDirectory, pathsIn } from "../paths.ts";
import { systemClock } from "../system-ports.ts";

/**
 * Makes the files that `startServer` needs in a state directory: the certificate authority, and the Bootstrap Image
 * that trusts it. Fast when they exist; the first run installs Debian packages, downloads and compiles.
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
  await ensurePackages(packagesOf[verb], log);
  const { caPem = bundleOf(await openAuthorities({ directory: paths.pki, clock: systemClock, log })) } = options;
  await fetchSecureLoaders({ cacheDirectory, outputDirectory: paths.secureLoaders, log });
  const secureBootKey = await findSecureBootKey(paths.secureBoot);
  return await buildBootstrapImage({
    ...{ cacheDirectory, outputDirectory: paths.bootstrap, caPem, log },
    ...(secureBootKey === undefined ? {} : { secureBootKey }),
  });
}

import { mkdir } from "node:fs/promises";
import { type BootstrapImage, buildBootstrapImage } from "../../bootstrap-image/build.ts";
import { readLock, readLockToRenew } from "../../bootstrap-image/debian/lock.ts";
import { openDebian } from "../../bootstrap-image/debian/packages.ts";
import { ensurePackages } from "../../bootstrap-image/install-packages.ts";
import { fetchLoaders } from "../../bootstrap-image/loader/loaders.ts";
import { findSecureBootKey } from "../../bootstrap-image/secure-boot/key.ts";
import { targets } from "../../bootstrap-image/target.ts";
import type { FirmwareFamilyName } from "../../core/bootstrap-image/firmware-families.ts";
import type { ImageProfile } from "../../core/bootstrap-image/image-profile.ts";
import { type BootstrapSuite, chooseSuite, defaultSuite } from "../../core/bootstrap-image/suite.ts";
import { defaultArchitecture, type MachineArchitecture } from "../../core/machine/architecture.ts";
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
  /** What the image is for; the default if it is undefined. */
  readonly architecture?: MachineArchitecture;
  /** Where the image comes from; as the last build if it is undefined. */
  readonly suite?: BootstrapSuite;
  /** Which machines it has drivers for; as the last build if it is undefined. */
  readonly profile?: ImageProfile;
  /** Network cards whose firmware a second archive brings; as the last build if it is undefined. */
  readonly firmware?: readonly FirmwareFamilyName[];
  /** Takes today's Debian packages instead of those of the last build. */
  readonly renew?: boolean;
  /** The verb whose Debian packages to install. */
  readonly verb?: keyof typeof packagesOf;
}): Promise<BootstrapImage> {
  const { stateDirectory, architecture = defaultArchitecture, log, verb = "serve", renew = false } = options;
  const paths = pathsIn(stateDirectory);
  const { bootstrap: outputDirectory, loaders, packageLock: lockFile } = imagePathsIn(paths, architecture);
  await mkdir(stateDirectory, { recursive: true, mode: 0o700 });
  using _lock = lockState(
    paths.buildLock,
    `another process builds the Bootstrap Image of ${stateDirectory}; wait until it has ended, and run this command again`,
  );
  await ensurePackages([...packagesOf[verb], ...targets[architecture].buildPackages], log);
  const { caPem = bundleOf(await openAuthorities({ directory: paths.pki, clock: systemClock, log })) } = options;
  const last = options.suite === undefined ? await (renew ? readLockToRenew : readLock)(lockFile) : undefined;
  const suite = chooseSuite(architecture, options.suite, last?.suite);
  if (suite.stays) log("info", stayingWith(suite.name));
  const debian = await openDebian({ suite: suite.name, architecture, cacheDirectory, log, lockFile, renew });
  const { profile = debian.lastProfile, firmware = debian.lastFamilies } = options;
  if (firmware.length > 0 && architecture !== defaultArchitecture)
    throw new Error(`Bootstrap Image for ${architecture}: expected no firmware families, found ${firmware.join(", ")}`);
  await mkdir(outputDirectory, { recursive: true });
  await fetchLoaders({ debian, cacheDirectory, outputDirectory: loaders });
  const secureBootKey = await findSecureBootKey(paths.secureBoot);
  const image = await buildBootstrapImage({
    ...{ debian, cacheDirectory, outputDirectory, caPem, log, profile, firmware },
    ...(secureBootKey === undefined ? {} : { secureBootKey }),
  });
  await debian.keep({ families: firmware, profile });
  return image;
}

/** What a build says that stays with another suite than a first one would take. */
const stayingWith = (suite: BootstrapSuite): string =>
  `the Bootstrap Image stays with ${suite}, the suite of the build before; new ones are of ${defaultSuite}: ` +
  `to take that, set bootstrapImage.suite: ${defaultSuite} (image build: --suite ${defaultSuite})`;

/** Where an architecture's image, its loaders and its lock file are. */
function imagePathsIn(paths: ReturnType<typeof pathsIn>, architecture: MachineArchitecture) {
  const other = paths.others.find((each) => each.architecture === architecture);
  return other === undefined ? paths : { ...other, bootstrap: other.directory };
}

import { execFile } from "node:child_process";
import { copyFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { buildBootstrapImage, sbomFile } from "../../src/bootstrap-image/build.ts";
import { openDebian } from "../../src/bootstrap-image/debian/packages.ts";
import { ensurePackages } from "../../src/bootstrap-image/install-packages.ts";
import { loaderPackages } from "../../src/bootstrap-image/loader/loaders.ts";
import { billOfMaterials, debianComponent } from "../../src/bootstrap-image/sbom.ts";
import { stubPackage } from "../../src/bootstrap-image/secure-boot/signed-image.ts";
import { type BootstrapSuite, bootstrapSuites, defaultSuite } from "../../src/core/bootstrap-image/suite.ts";
import { packagesOf } from "../../src/main/packages.ts";
import { cacheDirectory } from "../../src/main/paths.ts";

const loadersFile = "boot-loaders.cdx.json";
const usage = `usage: packaging/sbom/sbom DIRECTORY [SUITE]

SUITE is one of ${bootstrapSuites.join(", ")} (bootstrapImage.suite); ${defaultSuite} if it is left out.

Writes server.cdx.json (the npm packages of the lock file, Node.js among them), ${sbomFile}
(Debian packages, sources and npm packages of the Bootstrap Image) and ${loadersFile} (iPXE, the signed
shim and GRUB, which the server hands out, and systemd's stub, part of the signed image), all
CycloneDX 1.5.
`;
const root = join(import.meta.dirname, "../..");

/** What npm reads in the lock file, without the time and number of this run, so that the same lock file gives the same text. */
async function serverBill(): Promise<string> {
  const words = ["sbom", "--package-lock-only", "--sbom-format", "cyclonedx"];
  const { stdout } = await promisify(execFile)("npm", words, { cwd: root, maxBuffer: 1 << 26 });
  const { serialNumber: _number, ...bill } = JSON.parse(stdout);
  const { timestamp: _time, ...metadata } = bill.metadata;
  return `${JSON.stringify({ ...bill, metadata }, undefined, 2)}\n`;
}

/** Builds the image, mostly from the cache, and takes the bill that the build writes. */
async function writeImageBill(directory: string, suite: BootstrapSuite): Promise<void> {
  const log = (_: string, message: string): void => void process.stderr.write(`${message}\n`);
  await ensurePackages(packagesOf["image build"], log);
  const outputDirectory = await mkdtemp(join(tmpdir(), "birther-sbom-"));
  try {
    await buildBootstrapImage({
      debian: await openDebian({ suite, cacheDirectory, log }),
      cacheDirectory,
      outputDirectory,
      caPem: "",
      log,
    });
    await copyFile(join(outputDirectory, sbomFile), join(directory, sbomFile));
  } finally {
    await rm(outputDirectory, { recursive: true });
  }
}

/** The packages of the loaders that firmware starts, and of the signed image's stub. */
async function loadersBill(suite: BootstrapSuite): Promise<string> {
  const log = (_: string, message: string): void => void process.stderr.write(`${message}\n`);
  await ensurePackages(packagesOf.serve, log);
  const debian = await openDebian({ suite, cacheDirectory, log });
  const packages = await debian.resolve([...loaderPackages[debian.architecture], stubPackage]);
  return billOfMaterials("birther-boot-loaders", packages.map(debianComponent));
}

const [word, named = defaultSuite] = process.argv.slice(2);
const suite = bootstrapSuites.find((known) => known === named);
if (word === undefined || word.startsWith("-") || suite === undefined) {
  process.stdout.write(usage);
  process.exitCode = word?.startsWith("-") ? 0 : 2;
} else {
  const directory = resolve(word);
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, "server.cdx.json"), await serverBill());
  await writeFile(join(directory, loadersFile), await loadersBill(suite));
  await writeImageBill(directory, suite);
}

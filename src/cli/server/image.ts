import { type Command, InvalidArgumentError, Option } from "commander";
import type { ImageView, StreamView } from "../../contract/operator/views.ts";
import {
  type FirmwareFamilyName,
  firmwareFamilyNames,
  isFirmwareFamily,
} from "../../core/bootstrap-image/firmware-families.ts";
import { type ImageProfile, imageProfiles } from "../../core/bootstrap-image/image-profile.ts";
import { type BootstrapSuite, bootstrapSuites } from "../../core/bootstrap-image/suite.ts";
import { counted } from "../../core/bytes/counted.ts";
import { plainText } from "../../core/bytes/plain-text.ts";
import {
  defaultArchitecture,
  type MachineArchitecture,
  machineArchitectures,
} from "../../core/machine/architecture.ts";
import type { Actions, BootstrapView } from "../act/actions.ts";
import { imageGcCommand } from "../act/image-gc.ts";
import { promoteCommands } from "../act/promote.ts";
import { failure } from "../api/failure.ts";
import { type LocalOptions, localChangeOptions, localOptions, print } from "../api/server-options.ts";
import { isData, printData } from "../output/data.ts";
import { formatBytes } from "../output/figures.ts";
import type { OutputFormat } from "../output/formats.ts";
import { describeNotCarried, type ImportProgress, type NotCarried, openImportLine } from "../output/import-progress.ts";
import { warn } from "../output/warn.ts";
import { imageDetailCommands } from "../read/image-details.ts";
import { imageListCommand } from "../read/images.ts";
import { openNotifier } from "./notify-import.ts";

type ImageActions = Pick<
  Actions,
  | "buildBootstrapImage"
  | "listImages"
  | "importImage"
  | "verifyObjects"
  | "collectImages"
  | "exportImage"
  | "buildImage"
>;

type BuildOptions = LocalOptions & {
  readonly arch?: MachineArchitecture;
  readonly suite?: BootstrapSuite;
  readonly profile?: ImageProfile;
  readonly firmware?: readonly FirmwareFamilyName[];
  readonly renew?: boolean;
};

/** `--arch`, of the verbs about the Bootstrap Image. */
const archOption = () =>
  new Option(
    "--arch <architecture>",
    `Bootstrap Image: the architecture of its machines; ${defaultArchitecture} without this option`,
  ).choices(machineArchitectures);

/** The architecture that was asked for. */
function architectureOf({ arch }: Pick<BuildOptions, "arch">): { readonly architecture?: MachineArchitecture } {
  return arch === undefined ? {} : { architecture: arch };
}
type ImportOptions = LocalOptions & { readonly confidential?: boolean };

/** Adds `image build|info` for the Bootstrap Image, and the verbs for system images: `image import`, `image list` and so on. */
export function imageCommand(program: Command, actions: ImageActions): void {
  const image = program
    .command("image")
    .description("build the Bootstrap Image; import, promote and list system images");
  const state = async (options: LocalOptions) => (await import("../api/find-server.ts")).findState(options.state);

  buildCommands(image, actions, state);
  storeCommands(image, actions, state);
  promoteCommands(image);
  imageDetailCommands(image);
  imageGcCommand(image, actions);
  imageListCommand(image, actions);
}

/** Finds the state directory that a command is about. */
type FindState = (options: LocalOptions) => Promise<string>;

function buildCommands(image: Command, actions: ImageActions, state: FindState): void {
  const build = image
    .command("build [stream] [recipe]")
    .description(
      "build a system image by a recipe (recipes/compute.yaml) and store it as the next version of a stream; without arguments: build the Bootstrap Image, unless it is up to date",
    )
    .addOption(archOption())
    .addOption(
      new Option(
        "--suite <suite>",
        "Bootstrap Image: the suite of Debian; as in the last build without this option",
      ).choices(bootstrapSuites),
    )
    .addOption(
      new Option(
        "--profile <profile>",
        "Bootstrap Image: drivers for virtual machines only (virtual), or for servers, too (generic); as in the last build without this option",
      ).choices(imageProfiles),
    )
    .addOption(
      new Option(
        "--firmware <families>",
        "Bootstrap Image: network cards whose firmware comes as a second archive, such as bnx2x,nfp, or none; as in the last build without this option",
      ).argParser(readFamilies),
    )
    .option("--renew", "Bootstrap Image: take today's Debian packages instead of the pinned ones");
  localChangeOptions(build).action(
    async (stream: string | undefined, recipe: string | undefined, options: BuildOptions) => {
      const stateDirectory = await state(options);
      const { arch, suite, profile, firmware, renew, reason } = options;
      if (stream === undefined) {
        const wanted = {
          ...{ ...architectureOf(options), reason },
          ...(suite === undefined ? {} : { suite }),
          ...(profile === undefined ? {} : { profile }),
          ...(firmware === undefined ? {} : { firmware }),
          ...(renew === undefined ? {} : { renew }),
        };
        return await printBootstrap(await actions.buildBootstrapImage(stateDirectory, wanted), options);
      }
      if ([arch, suite, profile, firmware, renew].some((option) => option !== undefined))
        throw failure(
          "misused",
          "--arch, --suite, --profile, --firmware and --renew are for the Bootstrap Image",
          "a recipe names its suite and packages itself",
        );
      await buildByRecipe(actions, { stateDirectory, stream, file: recipe }, options);
    },
  );

  const info = image
    .command("info")
    .description("print the sizes of the Bootstrap Image by component; builds it first if necessary")
    .addOption(archOption())
    .option("--json", "same as -o json");
  localOptions(info).action(async (options: LocalOptions & { json?: boolean; arch?: MachineArchitecture }) => {
    const output: OutputFormat = options.json === true ? "json" : options.output;
    const view = await actions.buildBootstrapImage(await state(options), architectureOf(options));
    await printBootstrap(view, { output });
    if (!isData({ output })) printComponents(view);
  });
}

/** The families in a list with commas; `none` is an empty list. Throws for an unknown one. */
function readFamilies(text: string): readonly FirmwareFamilyName[] {
  if (text === "none") return [];
  const words = [...new Set(text.split(",").map((word) => word.trim()))].sort();
  const unknown = words.find((word) => !isFirmwareFamily(word));
  if (unknown === undefined) return words.filter(isFirmwareFamily);
  const known = firmwareFamilyNames.join(", ");
  throw new InvalidArgumentError(`expected none or some of ${known}, found ${JSON.stringify(unknown)}`);
}

function storeCommands(image: Command, actions: ImageActions, state: FindState): void {
  const imports = image
    .command("import <stream> <source>")
    .description(
      "check a directory, a tar archive (plain, gzip, zstd or xz) or a container image (OCI layout or archive, `docker save`) and store it as the next version of a stream (`compute` becomes compute/2); no machine moves to it before `image promote`",
    )
    .option("--confidential", "give its contents only to the machines of the stream, over TLS");
  localChangeOptions(imports).action(async (stream: string, source: string, options: ImportOptions) => {
    const stateDirectory = await state(options);
    const { confidential = false, reason } = options;
    const wanted = { stateDirectory, stream, source, confidential, reason };
    const imported = await withProgress(wanted, (found) => actions.importImage({ ...wanted, ...found }));
    await announceImport(stateDirectory, imported, options);
  });

  const verify = image.command("verify").description("read all contents of system images, and name the damaged ones");
  localOptions(verify).action(async (options: LocalOptions) => {
    const damaged = await actions.verifyObjects(await state(options));
    if (!(await printData({ damaged }, options)))
      print(...(damaged.length === 0 ? ["all contents are intact"] : damaged));
    if (damaged.length > 0)
      throw failure(
        "failed",
        `${counted(damaged.length, "content is", "contents are")} damaged`,
        "import their images again; that replaces them",
      );
  });

  const exports = image
    .command("export <stream/version> <file>")
    .description(
      "write an image as a tar archive with owners, modes, hard links, devices and extended attributes, compressed if the name ends in .zst; an import of it makes the same image",
    );
  localOptions(exports).action(async (name: string, file: string, options: LocalOptions) => {
    const stateDirectory = await state(options);
    {
      using line = openImportLine(process.stderr);
      await actions.exportImage({ stateDirectory, image: name, file, onProgress: line.show });
    }
    if (!(await printData({ image: name, file }, options))) print(`${name} is in ${file}`);
  });
}

async function buildByRecipe(
  actions: ImageActions,
  { stateDirectory, stream, file }: { stateDirectory: string; stream: string; file: string | undefined },
  options: LocalOptions,
): Promise<void> {
  if (file === undefined)
    throw failure("misused", `image build ${stream}: expected the file of a recipe, found none`, "recipes/ has some");
  const { readRecipeFile } = await import("./recipe-file.ts");
  const recipe = await readRecipeFile(file);
  const onLine = (line: string) => void process.stderr.write(`${plainText(line)}\n`);
  const build = (found: ImportCallbacks) =>
    actions.buildImage({ stateDirectory, stream, recipe, file, reason: options.reason, onLine, ...found });
  await announceImport(stateDirectory, await withProgress({ stateDirectory, stream }, build), options);
}

/** What an import tells while it runs. */
type ImportCallbacks = Pick<Parameters<Actions["importImage"]>[0], "onProgress" | "onNotCarried">;

/** Prints the new image, and what to do next. */
async function announceImport(stateDirectory: string, imported: ImageView, options: LocalOptions): Promise<void> {
  const isCurrent = await refreshServer(stateDirectory, imported.name);
  if (!(await printData(imported, options)))
    print(`${imported.name}: ${counted(imported.entries, "path")}, ${formatBytes(imported.bytes)}`);
  if (isCurrent === false) warn(`no machine gets it yet; to promote it: birther image promote ${imported.name}`);
}

/** Runs an import with its line of progress, and lists what it left out, also when it fails. */
async function withProgress(
  { stateDirectory, stream }: { readonly stateDirectory: string; readonly stream: string },
  run: (found: ImportCallbacks) => Promise<ImageView>,
): Promise<ImageView> {
  let notCarried: readonly NotCarried[] = [];
  const onNotCarried = (list: readonly NotCarried[]) => {
    notCarried = list;
  };
  try {
    await using notifier = await openNotifier(stateDirectory, stream.replace(/\/.*/, ""));
    using line = openImportLine(process.stderr);
    const onProgress = (progress: ImportProgress) => {
      line.show(progress);
      notifier.notify(progress);
    };
    return await run({ onProgress, onNotCarried });
  } finally {
    for (const each of notCarried) warn(describeNotCarried(each));
  }
}

async function printBootstrap(view: BootstrapView, options: Pick<LocalOptions, "output">): Promise<void> {
  if (await printData(view, options)) return;
  const { measuring: other } = view.grub;
  const measuring = other === undefined ? "" : `; with the site's own key or a sealed disk key ${other}`;
  print(
    `kernel     ${formatBytes(view.kernelBytes).padStart(9)}  ${view.kernelVersion} (${view.suite}, ${view.architecture})`,
    `initramfs  ${formatBytes(view.initramfsBytes).padStart(9)}  ${view.driverFamilies} driver families (${view.profile})`,
    `total      ${formatBytes(view.totalBytes).padStart(9)}  ${view.totalBytes} bytes`,
    ...(view.firmware === undefined
      ? []
      : [
          `firmware   ${formatBytes(view.firmware.bytes).padStart(9)}  ${view.firmware.families.join(", ")}: a second archive beside the total`,
        ]),
    `GRUB       ${view.grub.own}${measuring}`,
  );
}

/** Components below this share of the image are printed as one, except with --json. */
const shownShare = 0.005;

/** The bytes on the wire by component, the largest of each part first. */
function printComponents({ components, totalBytes, firmware }: BootstrapView): void {
  const parts = Map.groupBy([...components, ...(firmware?.components ?? [])], ({ part }) => part);
  for (const [part, all] of parts) {
    const bytesOf = (some: typeof all) => some.reduce((sum, { bytes }) => sum + bytes, 0);
    const shown = all.filter(({ bytes }) => all.length > 1 && bytes >= totalBytes * shownShare);
    const rest = all.slice(shown.length);
    const lines = shown.map(({ name, bytes }) => `  ${name.padEnd(34)}${formatBytes(bytes).padStart(10)}`);
    if (shown.length > 0 && rest.length > 0)
      lines.push(`  ${`${rest.length} others`.padEnd(34)}${formatBytes(bytesOf(rest)).padStart(10)}`);
    print(`${part.padEnd(36)}${formatBytes(bytesOf(all)).padStart(10)}`, ...lines);
  }
}

/**
 * A running server notices the new image when its images are listed; without a server there is nothing to do. Returns whether
 * the image is the current version of its stream, as the first one is; undefined without a server.
 */
async function refreshServer(stateDirectory: string, image: string): Promise<boolean | undefined> {
  const { openApi } = await import("../api/api.ts");
  const api = await openApi({ state: stateDirectory }).catch(() => undefined);
  if (api === undefined) return undefined;
  await api.ask("images");
  const { streams } = await api.ask<{ streams: StreamView[] }>("streams");
  return streams.some(({ current }) => current === image);
}

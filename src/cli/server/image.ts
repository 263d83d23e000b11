import type { Command } from "commander";
import type { Actions, BootstrapView } from "../act/actions.ts";
import { type LocalOptions, localOptions, print, printJson } from "../api/server-options.ts";
import { formatBytes, formatTime } from "../output/figures.ts";
import { formatTable } from "../output/table.ts";

type ImageActions = Pick<Actions, "buildBootstrapImage" | "listImages" | "importImage">;

/** Adds `image build|info` for the Bootstrap Image, `image import|list` for system images. */
export function imageCommand(program: Command, actions: ImageActions): void {
  const image = program.command("image").description("build the Bootstrap Image; import and list system images");
  const state = async (options: LocalOptions) => (await import("../api/find-server.ts")).findState(options.state);

  const build = image.command("build").description("build the Bootstrap Image, unless it is up to date");
  localOptions(build).action(async (options: LocalOptions) => {
    printBootstrap(await actions.buildBootstrapImage(await state(options)), options);
  });

  const info = image
    .command("info")
    .description("print the sizes of the Bootstrap Image; builds it first if necessary")
    .option("--json", "same as -o json");
  localOptions(info).action(async (options: LocalOptions & { json?: boolean }) => {
    const output = options.json === true ? "json" : options.output;
    printBootstrap(await actions.buildBootstrapImage(await state(options)), { ...options, output });
  });

  const imports = image
    .command("import <stream> <source>")
    .description("import a directory or tar file as the next version of a system image (`compute` becomes compute/2)");
  localOptions(imports).action(async (stream: string, source: string, options: LocalOptions) => {
    const stateDirectory = await state(options);
    const imported = await actions.importImage({ stateDirectory, stream, source, onProgress: showProgress() });
    await refreshServer(stateDirectory);
    if (options.output === "json") printJson(imported);
    else print(`${imported.name}: ${imported.entries} paths, ${formatBytes(imported.bytes)}`);
  });

  const list = image.command("list").description("list the system images");
  localOptions(list).action(async (options: LocalOptions) => {
    const images = await actions.listImages(await state(options));
    if (options.output === "json") return printJson(images);
    if (images.length === 0)
      process.stderr.write("no system images yet; to import one: birther image import STREAM DIRECTORY\n");
    const rows = images.map(({ name, entries, bytes, importedAtMs }) => [
      name,
      String(entries),
      formatBytes(bytes),
      formatTime(importedAtMs),
    ]);
    print(...formatTable(["NAME", "PATHS", "SIZE", "IMPORTED"], rows));
  });
}

function printBootstrap(view: BootstrapView, { output }: Pick<LocalOptions, "output">): void {
  if (output === "json") {
    printJson(view);
    return;
  }
  print(
    `kernel     ${formatBytes(view.kernelBytes).padStart(9)}  ${view.kernelVersion}`,
    `initramfs  ${formatBytes(view.initramfsBytes).padStart(9)}  ${view.driverFamilies} driver families`,
    `total      ${formatBytes(view.totalBytes).padStart(9)}  ${view.totalBytes} bytes`,
  );
}

/** Shows progress on a terminal as one line that is rewritten; prints nothing elsewhere. */
function showProgress() {
  let shownAtMs = 0;
  return (paths: number, readBytes: number, totalBytes: number | undefined) => {
    const isLast = readBytes === totalBytes;
    if (!process.stderr.isTTY || (!isLast && Date.now() - shownAtMs < 200)) return;
    shownAtMs = Date.now();
    const share = totalBytes === undefined ? "" : ` of ${formatBytes(totalBytes)}`;
    process.stderr.write(`\r${paths} paths, ${formatBytes(readBytes)}${share}\u001b[K${isLast ? "\n" : ""}`);
  };
}

/** A running server notices the new image when its images are listed; without a server there is nothing to do. */
async function refreshServer(stateDirectory: string): Promise<void> {
  const { openApi } = await import("../api/api.ts");
  const api = await openApi({ state: stateDirectory }).catch(() => undefined);
  await api?.ask("images");
}

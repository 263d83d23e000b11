import type { Command } from "commander";
import type { DifferenceView, ImageDetails } from "../../contract/operator/views.ts";
import { counted, formatCount } from "../../core/bytes/counted.ts";
import { plainText } from "../../core/bytes/plain-text.ts";
import { type ImageUse, machinesText } from "../../core/image/catalogue/image-use.ts";
import { parseImageName } from "../../core/image/image-name.ts";
import { failure } from "../api/failure.ts";
import { changeOptions, print, type ServerOptions, serverOptions } from "../api/server-options.ts";
import { printData } from "../output/data.ts";
import { formatBytes, formatTimeZone } from "../output/figures.ts";
import { type Listing, listOptions, printList, textColumn } from "../output/listing.ts";
import { fitLines } from "../output/wrap.ts";

/** Adds `image show`, `image diff` and `image remove`. */
export function imageDetailCommands(image: Command): void {
  const show = image
    .command("show <stream/version>")
    .description("print what an image consists of, what it shares with other versions, and which machines use it");
  serverOptions(show).action(async (name: string, options: ServerOptions) => {
    const { stream, version } = imageNamed(name);
    const { openApi } = await import("../api/api.ts");
    const api = await openApi(options);
    const details = await api.ask<ImageDetails>("image", { name: stream, query: { version: String(version) } });
    if (!(await printData(details, options))) print(...fitLines(describeImage(details), 12));
  });

  const diff = image
    .command("diff <from> <to>")
    .description(
      "print the paths in which two images differ, and what a machine with the first fetches for the second",
    );
  listOptions(diff, pathListing).action(async (from: string, to: string, options: ServerOptions) => {
    const { stream, version } = imageNamed(to);
    imageNamed(from);
    const { openApi } = await import("../api/api.ts");
    const query = { version: String(version), from };
    const found = await (await openApi(options)).ask<DifferenceView>("difference", { name: stream, query });
    const text = () => describeDifference(found);
    await printList(pathListing, { rows: found.paths, data: found, text }, options);
  });

  const remove = image
    .command("remove <stream/version>")
    .description("remove an image that no machine requires or runs; its name is not used again");
  changeOptions(remove).action(async (name: string, options: ServerOptions) => {
    const { stream, version } = imageNamed(name);
    const { openApi } = await import("../api/api.ts");
    const removed = await (await openApi(options)).ask("removeImage", { name: stream, body: { version } });
    if (!(await printData(removed, options)))
      print(`${name} is removed; the server frees what no other image needs within the hour, birther image gc at once`);
  });
}

function imageNamed(name: string): { readonly stream: string; readonly version: number } {
  const parsed = parseImageName(name);
  if (parsed !== undefined) return parsed;
  throw failure("misused", `expected an image such as compute/3, found ${name}`, "to list them: birther image list");
}

/** The lines of `image show`. */
export function describeImage(details: ImageDetails): readonly string[] {
  const { name, entries, bytes, objects, directories, files, symlinks, special, hardLinks } = details;
  const row = (title: string, ...text: readonly string[]) => `${title.padEnd(12)}${text.join(", ")}`;
  return [
    row(name, `imported ${formatTimeZone(details.importedAtMs)} from ${plainText(details.source)}`),
    row("contents", `${formatBytes(bytes)} in ${counted(objects, "object")}`),
    row(
      "paths",
      `${formatCount(entries)}: ${counted(files, "file")}`,
      counted(directories, "directory", "directories"),
      counted(symlinks, "symbolic link"),
    ),
    row("", counted(hardLinks, "hard link"), `${formatCount(special)} devices and others`),
    row("kernels", ...(details.kernels.length === 0 ? ["none"] : details.kernels.map(plainText))),
    row(
      "attributes",
      ...(details.attributes.length === 0
        ? ["none"]
        : details.attributes.map((each) => `${plainText(each.name)} of ${counted(each.files, "file")}`)),
    ),
    row("shared", ...(details.shared.length === 0 ? ["no other versions"] : details.shared.map(sharedText))),
    row("use", ...useTexts(details)),
    row("required by", machinesText(details.requiredBy)),
    row("run by", machinesText(details.runBy)),
    ...(details.confidential === true ? [row("access", "confidential: only machines of its stream get it")] : []),
    ...(details.servers === undefined ? [] : [row("servers", ...details.servers)]),
  ];
}

function sharedText({ name, bytes }: ImageDetails["shared"][number]): string {
  return `${formatBytes(bytes)} with ${name}`;
}

const streamUses = {
  current: "current version of its stream",
  previous: "version before the current one",
  tried: "tried by one machine",
} as const;

function useTexts({ inStream, inRules }: ImageUse): readonly string[] {
  const texts = [
    ...(inStream === undefined ? [] : [streamUses[inStream]]),
    ...(inRules === true ? ["named by image rules"] : []),
  ];
  return texts.length === 0 ? ["-"] : texts;
}

/** The columns of `image diff`. */
export const pathListing: Listing<DifferenceView["paths"][number]> = {
  named: "path",
  columns: [
    textColumn("change", ({ change }) => change),
    textColumn("path", ({ path }) => path),
    textColumn("what", ({ what = [] }) => what.join(", ")),
  ],
};

/** The lines of `image diff`: `+` added, `-` removed, `~` changed. */
export function describeDifference(found: DifferenceView): readonly string[] {
  const signs = { added: "+", removed: "-", changed: "~" } as const;
  const { added, removed, changed, fetch, paths } = found;
  const left = added + removed + changed - paths.length;
  return [
    ...paths.map(({ path, change, what = [] }) => {
      const about = what.length === 0 ? "" : `  (${what.join(", ")})`;
      return `${signs[change]} ${plainText(path)}${about}`;
    }),
    ...(left > 0 ? [`… and ${formatCount(left)} more`] : []),
    `${found.from} to ${found.to}: ${counted(added, "path")} added, ${formatCount(removed)} removed, ${formatCount(changed)} changed; ` +
      `to fetch: ${formatBytes(fetch.bytes)} in ${counted(fetch.objects, "object")}`,
  ];
}

import type { Command } from "commander";
import type { CollectedView } from "../../contract/operator/views.ts";
import { counted } from "../../core/bytes/counted.ts";
import { exitStatus, statusOf } from "../api/failure.ts";
import { changeOptions, print, type ServerOptions } from "../api/server-options.ts";
import { printData } from "../output/data.ts";
import { formatBytes } from "../output/figures.ts";
import type { Actions } from "./actions.ts";

/** Adds `image gc`. */
export function imageGcCommand(image: Command, actions: Pick<Actions, "collectImages">): void {
  const gc = image
    .command("gc")
    .description(
      "remove contents that no image and no agent needs, such as those of removed images and of imports that were not finished; a running server does so by itself, in the hour after an image was removed",
    )
    .option("--dry-run", "say what would be removed");
  changeOptions(gc).action(async (options: ServerOptions & { readonly dryRun?: boolean }) => {
    const found = await collectImages(options, options.dryRun === true, actions);
    if (!(await printData(found, options))) print(...describeCollected(found));
  });
}

/** By the server; if none runs here, in its state directory. */
async function collectImages(
  options: ServerOptions,
  dryRun: boolean,
  { collectImages: collectIn }: Pick<Actions, "collectImages">,
): Promise<CollectedView> {
  const { openApi } = await import("../api/api.ts");
  try {
    return await (await openApi(options)).ask<CollectedView>("collectImages", { body: { dryRun } });
  } catch (error) {
    const { findRemote } = await import("../api/find-remote.ts");
    if (statusOf(error) !== exitStatus.noServer || findRemote(options) !== undefined) throw error;
    const { findState } = await import("../api/find-server.ts");
    return await collectIn({
      stateDirectory: await findState(options.state),
      isDryRun: dryRun,
      reason: options.reason,
    });
  }
}

function describeCollected({ objects, bytes, movedBytes, leftBytes, dryRun }: CollectedView): readonly string[] {
  const verb = dryRun ? "would remove" : "removed";
  const moved = `${dryRun ? "would write" : "wrote"} ${formatBytes(movedBytes)} again that lay among them`;
  return [
    `${verb} ${counted(objects, "content")} of ${formatBytes(bytes)}${movedBytes === 0 ? "" : `, and ${moved}`}`,
    ...(leftBytes === 0 ? [] : [`${formatBytes(leftBytes)} stay, because removing them would cost more than it frees`]),
  ];
}

import { setTimeout as sleep } from "node:timers/promises";
import type { Command } from "commander";
import type { StreamView } from "../../contract/operator/views.ts";
import { counted } from "../../core/bytes/counted.ts";
import { isStreamName, parseImageName } from "../../core/image/image-name.ts";
import type { Api } from "../api/api.ts";
import { failure } from "../api/failure.ts";
import { changeOptions, print, type ServerOptions } from "../api/server-options.ts";
import { isData, printData } from "../output/data.ts";

/** commander gives `false` for `--no-canary`. */
type PromoteOptions = ServerOptions & { readonly canary?: string | boolean; readonly all?: true };

/** Adds `image promote` and `image rollback` to the command `image`. */
export function promoteCommands(image: Command): void {
  const promote = image
    .command("promote <stream/version>")
    .description(
      "give a version to one machine first; with --all, once that machine is up, to all machines of the stream",
    )
    .option("--canary <name>", "the machine that gets the version first (default: the first by name that is up)")
    .option("--all", "once the first machine is up with it, make the version current for all machines and newborns")
    .option("--no-canary", "with --all: no machine tries the version first");
  changeOptions(promote).action(async (name: string, options: PromoteOptions) => {
    const wanted = versionOf(name);
    if (options.canary === false && options.all !== true)
      throw failure(
        "misused",
        "--no-canary: expected --all with it",
        "without a first machine the version goes to all",
      );
    const { openApi } = await import("../api/api.ts");
    const promotion = { api: await openApi(options), ...wanted, image: name, quiet: isData(options) };
    const stream = await promoted(promotion, options);
    await printData(stream, options);
  });

  const rollback = image
    .command("rollback <stream>")
    .description(
      "return the first machine of a promotion; without one, make the version before the current one current again",
    );
  changeOptions(rollback).action(async (stream: string, options: ServerOptions) => {
    if (!isStreamName(stream))
      throw failure(
        "misused",
        `expected a stream such as compute, found ${stream}`,
        "to list them: birther image list",
      );
    const { openApi } = await import("../api/api.ts");
    const held = await (await openApi(options)).ask<StreamView>("rollback", { name: stream, body: {} });
    if (!(await printData(held, options))) print(currentText(held));
  });
}

/** A promotion as the command line follows it. */
type Promotion = {
  readonly api: Api;
  readonly stream: string;
  readonly version: number;
  readonly image: string;
  /** Print no text: the caller prints JSON. */
  readonly quiet: boolean;
};

/** Asks for the promotion, waits for its first machine, and goes on if `--all` says so; the stream as it is then. */
async function promoted(promotion: Promotion, { canary, all }: PromoteOptions): Promise<StreamView> {
  const { api, stream, version, image, quiet } = promotion;
  const ask = (body: object) => api.ask<StreamView>("promote", { name: stream, body: { version, ...body } });
  const first = typeof canary === "string" ? { canary } : canary === false ? { all, skipCanary: true } : {};
  const begun = await ask(first);
  const say = (line: string) => quiet || print(line);
  if (begun.promotion === undefined) {
    say(currentText(begun));
    return begun;
  }
  const { canary: name } = begun.promotion;
  say(
    `${name} gets ${image} first; the other machines stay on ${begun.current}. Waiting until it is up (Ctrl-C is safe)`,
  );
  const tried = await untilTried(promotion, begun);
  const others = Math.max(0, tried.machines - 1);
  if (all !== true) {
    say(`${name} runs ${image} and is up; ${othersText(others, "stay")} on ${tried.current}`);
    say(`to go on with them: birther image promote ${image} --all; to return it: birther image rollback ${stream}`);
    return tried;
  }
  say(`${name} runs ${image} and is up; ${othersText(others, "follow")}`);
  const moved = await ask({ all });
  say(currentText(moved));
  return moved;
}

/** Time between two questions about the first machine; its agent polls every 30 s. */
const askAgainMs = 2000;

/** Waits until the first machine runs the version; throws where a condition says why it does not. */
async function untilTried({ api, stream, image }: Promotion, begun: StreamView): Promise<StreamView> {
  for (let held = begun; ; held = await streamOf(api, stream)) {
    const { promotion } = held;
    if (promotion === undefined || promotion.image !== image)
      throw failure("failed", `the promotion of ${image} was ended by another operator`, "see birther image list");
    if (promotion.progress.kind === "succeeded") return held;
    if (promotion.progress.kind === "failed") throw notUp(held, promotion);
    await sleep(askAgainMs);
  }
}

function notUp({ stream, machines, current }: StreamView, promotion: NonNullable<StreamView["promotion"]>): Error {
  const { canary, image, progress } = promotion;
  const next =
    `see birther why ${canary}; to wait again: birther image promote ${image}; ` +
    `to return it to ${current}: birther image rollback ${stream}`;
  const rest = `${othersText(Math.max(0, machines - 1), "stay")} on ${current}`;
  return failure("failed", `${canary} is not up with ${image}: ${progress.reason}; ${rest}`, next);
}

async function streamOf(api: Api, stream: string): Promise<StreamView> {
  const { streams } = await api.ask<{ streams: StreamView[] }>("streams");
  const held = streams.find((one) => one.stream === stream);
  if (held === undefined) throw failure("failed", `${stream} has no current version`, "see birther image list");
  return held;
}

/** What the machines of a stream do besides the first one. */
function othersText(others: number, verb: string): string {
  return others === 1 ? `the other machine ${verb}s` : `the other ${counted(others, "machine")} ${verb}`;
}

function currentText({ current, machines, onCurrent }: StreamView): string {
  const rest = machines - onCurrent;
  const who =
    machines === 0 ? "no machine follows it yet" : counted(machines, "machine requires it", "machines require it");
  return `${current} is current: ${who}${rest === 0 ? "" : `, ${rest} of them ${rest === 1 ? "does" : "do"} not run it yet`}`;
}

function versionOf(name: string): { readonly stream: string; readonly version: number } {
  const image = parseImageName(name);
  if (image !== undefined) return image;
  throw failure(
    "misused",
    `expected STREAM/VERSION such as compute/3, found ${name}`,
    "to list them: birther image list",
  );
}

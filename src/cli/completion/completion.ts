import { Argument, type Command } from "commander";
import { compareNatural } from "../../core/fleet/racks.ts";
import type { openApi } from "../api/api.ts";
import { failure } from "../api/failure.ts";
import { print } from "../api/server-options.ts";
import { begun, type Candidates, candidatesFor } from "./candidates.ts";
import { type Shell, scripts, shells } from "./scripts.ts";

const about = `
bash: birther completion bash > /etc/bash_completion.d/birther
zsh:  birther completion zsh > /usr/local/share/zsh/site-functions/_birther
fish: birther completion fish > /etc/fish/completions/birther.fish

BIRTHER_COMPLETION_SECONDS=5 waits longer than 1.5 s for a server that is far away.`;

/** A shell that waits for a server is worse than one that knows no names; whose server is far away may prefer to wait. */
const answerMs = 1000 * (Number(process.env.BIRTHER_COMPLETION_SECONDS) || 1.5);

/** Adds `completion`, and `complete`, which the scripts of the shells call. */
export function completionCommand(program: Command): void {
  program
    .command("completion")
    .description("print the script with which a shell completes verbs, options, machines and images")
    .addArgument(new Argument("<shell>", "whose script").choices(shells))
    .addHelpText("after", about)
    .action((shell: Shell) => void process.stdout.write(scripts[shell]));
  program
    .command("complete [words...]", { hidden: true })
    .description("print what may stand at the last of these words")
    .action(async (words: string[]) => print(...(await wordsFor(program, words))));
}

/** The candidates as words; none if only a server that does not answer knows them. */
async function wordsFor(program: Command, words: readonly string[]): Promise<readonly string[]> {
  const candidates = candidatesFor(program, words);
  if (candidates.kind === "words") return candidates.words;
  if (candidates.kind === "files") return [];
  // Loaded before the time begins, which is the server's.
  const { openApi } = await import("../api/api.ts");
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(failure("failed", "the server does not answer in time")), answerMs);
  });
  const names = await Promise.race([namesOf(candidates.kind, openApi), tooLate]).catch(() => []);
  clearTimeout(timer);
  const found = begun(names, words.at(-1) ?? "");
  return found.kind === "words" ? found.words : [];
}

async function namesOf(
  kind: Exclude<Candidates["kind"], "words" | "files">,
  open: typeof openApi,
): Promise<readonly string[]> {
  const api = await open({});
  if (kind === "machines") {
    // The fleet in columns, which the server keeps: of 4,000 machines, one answer instead of four pages of records.
    const { name } = await api.ask<{ name: string[] }>("fleet");
    return name.sort(compareNatural);
  }
  const { images } = await api.ask<{ images: { name: string }[] }>("images");
  return images.map(({ name }) => name);
}

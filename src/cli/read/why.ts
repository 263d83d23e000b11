import type { Command } from "commander";
import type { Why } from "../../core/machine/health/waiting-for.ts";
import { print, type ServerOptions, serverOptions } from "../api/server-options.ts";
import { printData } from "../output/data.ts";
import { formatDuration } from "../output/figures.ts";
import { fitLines } from "../output/wrap.ts";

/** Adds `why`: names the one event that a machine waits for, and what to do. */
export function whyCommand(program: Command): void {
  const command = program
    .command("why <name>")
    .description("explain what a machine waits for, the evidence, and what to do");
  serverOptions(command).action(async (name: string, options: ServerOptions) => {
    const { openApi } = await import("../api/api.ts");
    const answer = await (await openApi(options)).ask<Why & { name: string }>("why", { name });
    if (!(await printData(answer, options))) print(...fitLines(whyText(answer, Date.now()), 4));
  });
}

/** The answer as lines of text. */
export function whyText(answer: Why & { readonly name: string }, nowMs: number): string[] {
  const { name, missing, sinceMs, byMs, overdue, evidence, next } = answer;
  const since = formatDuration(Math.max(0, nowMs - sinceMs));
  const left = byMs === undefined ? "" : formatDuration(Math.abs(byMs - nowMs));
  const by = byMs === undefined ? "" : overdue ? `, ${left} past its deadline` : `, ${left} left`;
  return [
    missing === undefined ? `${name} waits for nothing and has been up for ${since}` : `${name} waits until ${missing}`,
    ...(missing === undefined ? [] : [`  for ${since}${by}`]),
    ...evidence.map((line) => `  ${line}`),
    `next: ${next}`,
  ];
}

/**
 * node:test's reporter for `tests/run.ts`: one JSON line an event, on file descriptor 3, as it happens. What tests print
 * themselves stays on their own output.
 */
import { writeSync } from "node:fs";
import { inspect } from "node:util";
import { excerptOf } from "./excerpt.ts";
import type { TestRecord } from "./test-record.ts";

/** The descriptor that the runner gives each test process for these lines. */
const channel = 3;

type NodeEvent = { readonly type: string; readonly data?: EventData };
type EventData = {
  readonly name?: string;
  readonly file?: string;
  readonly nesting?: number;
  readonly message?: string;
  readonly skip?: string | boolean;
  readonly todo?: string | boolean;
  readonly details?: {
    readonly passed?: boolean;
    readonly type?: string;
    readonly duration_ms?: number;
    readonly error?: Error;
  };
};

/** Called by node:test with its stream of events; yields nothing, because nothing goes to the destination. */
// biome-ignore lint/style/noDefaultExport: node:test takes a reporter from the default export
export default async function* report(events: AsyncIterable<NodeEvent>): AsyncGenerator<string> {
  for await (const event of events) {
    const record = recordOf(event);
    if (record !== undefined) writeSync(channel, `${JSON.stringify(record)}\n`);
    yield "";
  }
}

function recordOf({ type, data = {} }: NodeEvent): TestRecord | undefined {
  const { name = "", file = "", nesting = 0, details = {} } = data;
  switch (type) {
    case "test:dequeue":
      return { kind: "begun", file, name, nesting };
    case "test:complete":
      // A file that defines no test is a passed test to node:test: what runs its tests in a namespace is such a file.
      if ((details.type === "suite" || file.endsWith(name)) && details.passed === true)
        return { kind: "group", file, name, nesting };
      return { kind: "ended", file, name, nesting, ms: details.duration_ms ?? 0, outcome: outcomeOf(data) };
    // Those without a file are node:test's own closing figures.
    case "test:diagnostic":
      return file === "" ? undefined : { kind: "note", file, text: data.message ?? "" };
    default:
      return undefined;
  }
}

function outcomeOf({ skip, todo, details = {} }: EventData): (TestRecord & { kind: "ended" })["outcome"] {
  if (skip !== undefined && skip !== false) return { kind: "skipped", reason: String(skip) };
  if (todo !== undefined && todo !== false) return { kind: "skipped", reason: `to do: ${todo}` };
  if (details.passed === true) return { kind: "passed" };
  const { error } = details;
  const thrown = error?.cause ?? error;
  return { kind: "failed", error: inspect(thrown), excerpt: excerptOf(thrown) };
}

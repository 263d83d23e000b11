import type { Context } from "hono";
import { streamOf } from "../exports/slices.ts";
import { jsonText } from "./json-answer.ts";

/** An answer with one long list: its key, its items, and its other keys. */
export type JsonList<Answer, Name extends keyof Answer> = {
  readonly name: Name;
  /** Each is made when its turn comes. */
  readonly items: Iterable<Answer[Name] extends readonly (infer Item)[] ? Item : never>;
  readonly rest: Omit<Answer, Name>;
};

/** Answers with a long list, which is written item by item, with packets answered in between. */
export function jsonList<Answer, Name extends keyof Answer & string>(
  c: Context,
  list: JsonList<Answer, Name>,
): Response {
  return c.body(streamOf(textOf(list)), 200, { "content-type": "application/json" });
}

function* textOf(list: {
  readonly name: string;
  readonly items: Iterable<unknown>;
  readonly rest: object;
}): Generator<string> {
  const { name, items, rest } = list;
  yield `{${JSON.stringify(name)}:[`;
  let between = "";
  for (const item of items) {
    yield between + jsonText(item);
    between = ",";
  }
  const others = jsonText(rest);
  yield others === "{}" ? "]}" : `],${others.slice(1)}`;
}

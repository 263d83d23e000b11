import type { Context } from "hono";
import { columnsInSteps } from "../../../core/fleet/columns.ts";
import type { Store } from "../../../core/ports.ts";
import { jsonText } from "../../http/json-answer.ts";
import { answerPacked, type PackedJson, packJson } from "../../http/packed-answer.ts";
import { inTurns, openTurns } from "../../turns.ts";

/** Items of a column that are written at once. */
const itemsAtOnce = 4096;

type Columns = PackedJson & { readonly position: number };

/**
 * The columns of the fleet as of now. They are made once for each position of the feed, and one at a time: callers
 * that need a newer position meanwhile share the next ones.
 */
export function columnsOf(store: Store, othersUpdate: boolean): () => Promise<Columns> {
  let latest: Columns | undefined;
  let making: Promise<Columns> | undefined;
  let next: Promise<Columns> | undefined;

  async function make(): Promise<Columns> {
    // Both at once: the list is that of this position.
    const position = store.position();
    const machines = [...store.list()];
    const columns = await inTurns(columnsInSteps(machines, othersUpdate, store.progress));
    latest = { position, ...(await packJson(await bufferOf({ position, ...columns }))) };
    return latest;
  }
  function begin(): Promise<Columns> {
    making = make().finally(() => {
      making = undefined;
    });
    return making;
  }
  return () => {
    if (latest?.position === store.position()) return Promise.resolve(latest);
    if (making === undefined) return begin();
    const afterwards = () => {
      next = undefined;
      return begin();
    };
    next ??= making.then(afterwards, afterwards);
    return next;
  };
}

/** The answer to one caller. */
export function columnsAnswer(c: Context, columns: Columns): Response {
  const etag = `"${columns.position}"`;
  const known = c.req
    .header("if-none-match")
    ?.split(",")
    .map((tag) => tag.trim().replace(/^W\//, ""));
  if (known?.includes(etag) === true) return c.body(null, 304, { etag, vary: "accept-encoding" });
  return answerPacked(c, columns, { etag });
}

/** The JSON of an object of long lists, written in turns of the event loop. */
async function bufferOf(value: { readonly [key: string]: unknown }): Promise<Buffer> {
  const parts: Buffer[] = [];
  const turns = openTurns();
  let before = "{";
  for (const [key, column] of Object.entries(value)) {
    const items = Array.isArray(column) ? (column as readonly unknown[]) : undefined;
    parts.push(Buffer.from(`${before}${JSON.stringify(key)}:${items === undefined ? jsonText(column) : "["}`));
    before = ",";
    for (let at = 0; items !== undefined && at < items.length; at += itemsAtOnce) {
      const some = jsonText(items.slice(at, at + itemsAtOnce)).slice(1, -1);
      parts.push(Buffer.from(at === 0 ? some : `,${some}`));
      if (turns.isOver()) await turns.next();
    }
    if (items !== undefined) parts.push(Buffer.from("]"));
  }
  return Buffer.concat([...parts, Buffer.from("}")]);
}

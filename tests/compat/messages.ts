import * as v from "valibot";
import { orderAnswer, orderChallenge, orderRequest } from "../../src/contract/machine/order.ts";
import { paths } from "../../src/contract/machine/paths.ts";
import { healthyAnswer, healthyRequest, reportRequest } from "../../src/contract/machine/report.ts";
import { problem } from "../../src/contract/problem.ts";
import { directive, imageManifest, manifestPath, subPollRequest, subSettings } from "../../src/contract/sub.ts";

/** The schema that reads each kind of message. */
export const messages = {
  orderRequest: orderRequest,
  orderAnswer: orderAnswer,
  orderChallenge: orderChallenge,
  reportRequest: reportRequest,
  healthyRequest: healthyRequest,
  healthyAnswer: healthyAnswer,
  poll: subPollRequest,
  directive,
  manifest: imageManifest,
  subSettings,
  problem: problem,
} as const satisfies { readonly [message: string]: v.GenericSchema };
export type MessageName = keyof typeof messages;

/** A message as it was sent. */
export type Recorded = { readonly message: MessageName; readonly value: unknown };

const kinds: { readonly [path: string]: { readonly request?: MessageName; readonly answer?: MessageName } } = {
  [paths.order]: { request: "orderRequest", answer: "orderAnswer" },
  [paths.report]: { request: "reportRequest" },
  [paths.healthy]: { request: "healthyRequest", answer: "healthyAnswer" },
  [paths.resume]: { answer: "healthyAnswer" },
  [paths.subPoll]: { request: "poll", answer: "directive" },
};

/** The messages in an exchange that a schema reads. */
export function messagesOf(exchange: {
  readonly path: string;
  readonly request: unknown;
  readonly status: number;
  readonly answer: unknown;
}): readonly Recorded[] {
  const { path, status } = exchange;
  const { request, answer } = path.startsWith(manifestPath) ? { answer: "manifest" as const } : (kinds[path] ?? {});
  const challenged = answer === "orderAnswer" && v.is(orderChallenge, exchange.answer);
  const answered = status !== 200 ? "problem" : challenged ? "orderChallenge" : answer;
  return [
    ...(request === undefined ? [] : [{ message: request, value: exchange.request }]),
    ...(answered === undefined ? [] : [{ message: answered, value: exchange.answer }]),
  ];
}

/** What keeps a message from being exactly what its schema reads: the fault, or keys that it does not read. */
export function whyNotExact({ message, value }: Recorded): readonly string[] {
  const read = v.safeParse(messages[message], value);
  if (!read.success) return [`${message}: ${JSON.stringify(v.flatten(read.issues))}`];
  return unreadKeys(value, read.output, message);
}

function unreadKeys(given: unknown, read: unknown, at: string): readonly string[] {
  if (typeof given !== "object" || given === null || typeof read !== "object" || read === null) return [];
  const known = new Map(Object.entries(read));
  return Object.entries(given).flatMap(([key, value]) =>
    known.has(key) ? unreadKeys(value, known.get(key), `${at}.${key}`) : [`${at}.${key}`],
  );
}

/** A value with one more key in each of its objects, at whatever depth. `maps` are keys whose object has names of its own. */
export function withUnknownKeys(value: unknown, isMap: (key: string) => boolean, key = ""): unknown {
  if (Array.isArray(value)) return value.map((item) => withUnknownKeys(item, isMap, key));
  if (typeof value !== "object" || value === null) return value;
  const more = Object.entries(value).map(([name, inner]) => [name, withUnknownKeys(inner, isMap, name)]);
  return Object.fromEntries(isMap(key) ? more : [...more, ["unknownKey", { of: ["a newer version"] }]]);
}

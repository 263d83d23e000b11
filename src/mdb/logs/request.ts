import type { ThreadAnswer } from "../thread-questions.ts";
import type { LogBatch, LogDirectory, LogDirectoryLimits } from "./log-directory.ts";

/** What the thread of the logs is started with. */
export type LogThreadData = { readonly directory: string; readonly limits: LogDirectoryLimits };

/** What it is asked; each request has one answer, in order. */
export type LogRequest =
  | { readonly kind: "append"; readonly batch: LogBatch }
  | { readonly kind: "read"; readonly id: string }
  | { readonly kind: "forget"; readonly id: string };

/** Carries out one request. */
export function answerLogRequest(logs: LogDirectory, request: LogRequest): ThreadAnswer {
  try {
    switch (request.kind) {
      case "append":
        logs.append(request.batch);
        return { kind: "done" };
      case "read":
        return { kind: "done", value: logs.read(request.id) };
      case "forget":
        logs.forget(request.id);
        return { kind: "done" };
    }
  } catch (error) {
    return { kind: "failed", error };
  }
}

import type { Worker } from "node:worker_threads";

/** What a thread says: the answers to the questions of its owner, in order. */
export type ThreadAnswer =
  | { readonly kind: "done"; readonly value?: unknown }
  | { readonly kind: "failed"; readonly error: unknown };

/** The questions to a thread. */
export type ThreadQuestions = {
  /** Posts a question; rejects if the thread failed or is gone. */
  readonly ask: (question: unknown) => Promise<unknown>;
  /** The next answer, without a question. */
  readonly next: () => Promise<unknown>;
  readonly isGone: () => boolean;
};

type Waiting = { readonly resolve: (value: unknown) => void; readonly reject: (cause: unknown) => void };

/** `errors` say that the thread failed, and that it has ended. An idle thread does not keep the process alive. */
export function questionsTo(
  worker: Worker,
  errors: { readonly failed: string; readonly ended: string },
): ThreadQuestions {
  const waiting: Waiting[] = [];
  let gone: unknown;
  const end = (cause: unknown): void => {
    gone ??= cause;
    for (const { reject } of waiting.splice(0)) reject(gone);
  };
  const next = (): Promise<unknown> =>
    new Promise((resolve, reject) => {
      if (waiting.length === 0) worker.ref();
      waiting.push({ resolve, reject });
    });
  worker.unref();
  worker.on("message", (answer: ThreadAnswer) => {
    const first = waiting.shift();
    if (waiting.length === 0) worker.unref();
    if (answer.kind === "done") first?.resolve(answer.value);
    else first?.reject(answer.error);
  });
  worker.on("error", (cause) => end(new Error(errors.failed, { cause })));
  worker.on("exit", () => end(new Error(errors.ended)));
  return {
    next,
    isGone: () => gone !== undefined,
    ask: async (question) => {
      if (gone !== undefined) throw gone;
      const answer = next();
      worker.postMessage(question);
      return await answer;
    },
  };
}

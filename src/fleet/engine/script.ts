/**
 * What a simulated machine does, step by step: a generator that yields what it waits for. A power cut ends it wherever it is,
 * and nothing of it goes on.
 */
export type Wait<T> = (done: (value: T) => void) => undefined | (() => void);
/** A script, or a part of one that gives a value. */
export type Script<T = void> = Generator<Wait<unknown>, T, unknown>;

/** Waits within a script; gives what it has waited for. */
export function* until<T>(wait: Wait<T>): Script<T> {
  // The runner resumes a script with the value of the wait that it yielded.
  return (yield wait as Wait<unknown>) as T;
}

/** A script that runs until it ends or is stopped. */
export type Running = { readonly stop: () => void };

/** Starts a script; `ended` is not called for one that is stopped. */
export function run(script: Script, ended: () => void): Running {
  let isStopped = false;
  let cancel: (() => void) | undefined;
  const resume = (value: unknown) => {
    if (isStopped) return;
    cancel = undefined;
    const { done, value: wait } = script.next(value);
    if (done === true) ended();
    else cancel = wait(once(resume));
  };
  resume(undefined);
  return {
    stop: () => {
      if (isStopped) return;
      isStopped = true;
      cancel?.();
      script.return(undefined);
    },
  };
}

function once(act: (value: unknown) => void): (value: unknown) => void {
  let isDone = false;
  return (value) => {
    if (isDone) return;
    isDone = true;
    act(value);
  };
}

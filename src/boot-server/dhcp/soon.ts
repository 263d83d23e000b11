/**
 * A value that is available now, or later. Most requests are answered without waiting, so they avoid promises: many are
 * received in one turn of the event loop, and their answers then leave in one system call.
 */
export type Soon<T> = T | Promise<T>;

/** Continues with the value, at once or when it is available. */
export function whenThere<T, U>(soon: Soon<T>, goOn: (value: T) => Soon<U>): Soon<U> {
  return soon instanceof Promise ? soon.then(goOn) : goOn(soon);
}

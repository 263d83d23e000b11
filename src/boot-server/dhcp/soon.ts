/**
 * What is there already, or will be. Most requests are answered without waiting for anything, and go through without a
 * promise: many are heard in one turn of the event loop, and their answers then leave in one system call.
 */
export type Soon<T> = T | Promise<T>;

/** Goes on with what is there, at once or when it comes. */
export function whenThere<T, U>(soon: Soon<T>, goOn: (value: T) => Soon<U>): Soon<U> {
  return soon instanceof Promise ? soon.then(goOn) : goOn(soon);
}

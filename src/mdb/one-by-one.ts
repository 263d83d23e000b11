/** Carries out a work when all works that came before it have ended. */
export type OneByOne = <T>(work: () => Promise<T>) => Promise<T>;

/** Keeps works from coming in between each other's turns. */
export function oneByOne(): OneByOne {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const mine = last.then(work);
    last = mine.catch(() => undefined);
    return mine;
  };
}

/**
 * Looks at something that others change, which many callers share: two at most are under way or waited for. Who asks while one is under
 * way gets the next one, because that one may have looked before the change that the caller knows of. Rejects as the look does.
 */
export function sharedLook(look: () => Promise<void>): () => Promise<void> {
  let current: Promise<void> | undefined;
  let next: Promise<void> | undefined;
  const begin = (): Promise<void> => {
    const begun = look().finally(() => {
      if (current === begun) current = undefined;
    });
    current = begun;
    return begun;
  };
  const afterCurrent = async (): Promise<void> => {
    await current?.catch(() => undefined);
    next = undefined;
    await (current ?? begin());
  };
  return () => {
    if (current === undefined) return begin();
    next ??= afterCurrent();
    return next;
  };
}

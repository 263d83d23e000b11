import { describeProgress, percent, type WorkProgress } from "../../core/machine/work-progress.ts";

/** How far a machine is with its work, as the server last heard: a bar and words. */
export function Progress({ progress }: { progress: WorkProgress }) {
  const text = describeProgress(progress);
  return (
    <span class="progress">
      <progress max={progress.total} value={progress.done} aria-label={text} /> {text}
    </span>
  );
}

/** The same in the width of a column. */
export function ShortProgress({ progress }: { progress: WorkProgress }) {
  const text = describeProgress(progress);
  return (
    <span title={text}>
      <progress max={progress.total} value={progress.done} aria-label={text} /> {percent(progress.done, progress.total)}{" "}
      %
    </span>
  );
}

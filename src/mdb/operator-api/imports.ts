import { currentImports, type ImportProgress, importSilentMs, withImport } from "../../core/image/import-progress.ts";
import type { Clock } from "../../core/ports.ts";

/** The imports of system images that run: in memory, notified by the processes that run them. */
export type Imports = {
  readonly current: () => readonly ImportProgress[];
  readonly note: (noted: Omit<ImportProgress, "atMs" | "startedAtMs">) => void;
  readonly end: (stream: string) => void;
  /** Calls back after each note, and when an import has ended; one listener. */
  onChange: () => void;
};

/** No imports yet. An import of which nothing is heard any more ends by itself. */
export function openImports(clock: Clock): Imports {
  let known: readonly ImportProgress[] = [];
  const imports: Imports = {
    current: () => currentImports(known, clock.nowMs()),
    note: (noted) => {
      known = withImport(known, { ...noted, atMs: clock.nowMs() });
      imports.onChange();
      setTimeout(() => {
        const left = imports.current();
        if (left.length === known.length) return;
        known = left;
        imports.onChange();
      }, importSilentMs + 1000).unref();
    },
    end: (stream) => {
      known = known.filter((one) => one.stream !== stream);
      imports.onChange();
    },
    onChange: () => {},
  };
  return imports;
}

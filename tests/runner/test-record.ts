/** What a test process tells the runner, one JSON line each. */
export type TestRecord =
  | { readonly kind: "begun"; readonly file: string; readonly name: string; readonly nesting: number }
  /** A `describe` or a file whose tests all passed: they are counted, it is not. */
  | { readonly kind: "group"; readonly file: string; readonly name: string; readonly nesting: number }
  | {
      readonly kind: "ended";
      readonly file: string;
      readonly name: string;
      readonly nesting: number;
      readonly ms: number;
      readonly outcome: Outcome;
    }
  | { readonly kind: "note"; readonly file: string; readonly text: string };

/** How a test ended. */
export type Outcome =
  | { readonly kind: "passed" }
  | { readonly kind: "skipped"; readonly reason: string }
  /** `error` is all of it; `excerpt` the lines that the runner repeats at its end. */
  | { readonly kind: "failed"; readonly error: string; readonly excerpt: string };

/** Tests by outcome. */
export type Count = { passed: number; failed: number; skipped: number };

/** The sum of some counts. */
export function sumOf(counts: readonly Count[]): Count {
  const sum: Count = { passed: 0, failed: 0, skipped: 0 };
  for (const count of counts) {
    sum.passed += count.passed;
    sum.failed += count.failed;
    sum.skipped += count.skipped;
  }
  return sum;
}

import * as v from "valibot";

/**
 * The faults of a value that was read with `faultMessages`, each with its path and the expected value; at most ten.
 * `whole` names the value itself.
 */
export function faultsOf(issues: readonly v.BaseIssue<unknown>[], whole = "request"): string {
  return issues
    .slice(0, 10)
    .map((issue) => `${v.getDotPath(issue)?.slice(0, 100) ?? whole}: ${issue.message}`)
    .join("; ");
}

/**
 * Messages for reading requests, answers and files. A schema's own messages take precedence. The library's messages
 * repeat the value, which may be long or a secret.
 */
export const faultMessages = {
  message: ({ expected, received, requirement }: v.BaseIssue<unknown>): string => {
    if (expected === "never") return "unknown key";
    return received === "undefined" ? `missing: expected ${expected}` : `expected ${expected ?? requirement}`;
  },
} as const;

/** The next step of a refused request of an operator; the command line says instead what to do on it. */
export const shapesAdvice = "see GET /v1/openapi.json for the schema of every request";

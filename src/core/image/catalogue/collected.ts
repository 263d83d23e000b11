/** What a sweep removed from a store, or would remove. */
export type Swept = {
  readonly objects: number;
  readonly bytes: number;
  /** Bytes that were written again, because they are needed and lay among others. */
  readonly movedBytes: number;
  /** Bytes that nothing needs and that stay: moving the rest of their packs costs more than it frees, or they are too young. */
  readonly leftBytes: number;
};

/** What a collection did, or why it did nothing. */
export type Collected =
  | ({ readonly kind: "collected" } & Swept)
  /** Something is being imported, copied or collected. */
  | { readonly kind: "busy" }
  /** These manifests cannot be read, so nobody knows what they need. */
  | { readonly kind: "unreadable"; readonly names: readonly string[] };

/** Why a collection did nothing, and what to do. */
export function whyNotCollected(found: Exclude<Collected, { kind: "collected" }>): {
  readonly message: string;
  readonly next: string;
} {
  switch (found.kind) {
    case "busy":
      return {
        message: "expected no import, copy or collection under way, found one",
        next: "repeat the command when it has ended",
      };
    case "unreadable":
      return {
        message: `the manifests of these images cannot be read, so what they need is not known: ${found.names.join(", ")}`,
        next: "import them again, or remove their files from STATE/images; nothing was removed",
      };
  }
}

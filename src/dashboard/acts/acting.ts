import { signal } from "@preact/signals";

/** The machines that the operator is about to act on; the dialog is open while there are any. */
export const acting = signal<
  { readonly targets: readonly { readonly id: string; readonly name: string }[] } | undefined
>(undefined);

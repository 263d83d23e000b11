/** Where a machine keeps the key of its root disk: sealed to its boot path, or plain in a variable of its firmware, and why. */
export type DiskKeyState = { readonly kind: "sealed" } | { readonly kind: "plain"; readonly reason: string };

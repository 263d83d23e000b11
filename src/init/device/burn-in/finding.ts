/** The result of a test: figures, and a fault, empty if there was none. */
export type Finding = { readonly figures: { readonly [name: string]: number }; readonly fault: string };

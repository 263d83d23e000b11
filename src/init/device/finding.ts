/** What a test found: figures, and a fault that is empty when there was none. */
export type Finding = { readonly figures: { readonly [name: string]: number }; readonly fault: string };

import { signal } from "@preact/signals";

/** Whether the search is open. */
export const isSearching = signal(false);
/** Whether the list of keys is open. */
export const showsKeys = signal(false);

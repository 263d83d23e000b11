import { signal } from "@preact/signals";

/** Whether the search is open. */
export const isSearching = signal(false);
/** What was typed between the key that opens the search and the moment when its field is there: nothing of it is lost. */
export const searchText = signal("");
/** Whether the list of keys is open. */
export const showsKeys = signal(false);

/** Opens the search, empty. */
export function openSearch(): void {
  searchText.value = "";
  isSearching.value = true;
}

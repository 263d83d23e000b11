/** Fetches the source packages whose packets the tests read. */
import { fetchCorpora } from "./sources.ts";

await fetchCorpora();

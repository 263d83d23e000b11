import { openMemoryStore } from "./testing/memory-store.ts";
import { storeSuite } from "./testing/store-suite.ts";

storeSuite("SQLite in memory, in this thread", () => ({
  keeps: false,
  open: (clock) => openMemoryStore({ clock, log: () => {} }),
}));

import type { ImageCatalogue } from "../operator-api/handler.ts";

/** The catalogue of a server without images; what is removed is noted. */
export function noCatalogue(removed: string[] = []): ImageCatalogue {
  return {
    contents: async () => undefined,
    difference: async () => undefined,
    isInRules: () => false,
    remove: async (name) => void removed.push(name),
  };
}

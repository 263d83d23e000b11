/** Debian packages that the building and importing of system images needs on the host, and what for. */
export const dominatorPackages = [
  { name: "mmdebstrap", for: "builds the demo's system image" },
  { name: "debian-archive-keyring", for: "checks the packages that go into it" },
  { name: "zstd", for: "compresses it in the cache" },
] as const;

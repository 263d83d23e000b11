/** Debian packages that building and importing system images needs on the host, and their purposes. */
export const dominatorPackages = [
  { name: "mmdebstrap", for: "builds the demo's system image" },
  { name: "debian-archive-keyring", for: "checks the packages that go into it" },
  { name: "zstd", for: "compresses it in the cache" },
] as const;

/** Debian packages that a recipe needs on the host if it is for machines of another architecture: mmdebstrap asks arch-test. */
export const emulationPackages = ["arch-test", "qemu-user-static"] as const;

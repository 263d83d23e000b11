import type { MachineArchitecture } from "../core/machine/architecture.ts";

/** What differs between Bootstrap Images for different processors. */
export type Target = {
  readonly architecture: MachineArchitecture;
  /** GNU's name of the architecture: Debian's directory of libraries, and the prefix of a cross compiler. */
  readonly triplet: string;
  /** The C compiler of the building computer, whose own architecture is amd64. */
  readonly compiler: "gcc" | "aarch64-linux-gnu-gcc";
  /** Debian's packages of a cross compiler, for the building computer. */
  readonly buildPackages: readonly string[];
  /** The dynamic loader, and the directory that programs name it in. */
  readonly loader: { readonly name: string; readonly directory: string };
  /** The filter of xz for linked code, which makes targets of calls absolute; only those that the oldest kernel can undo. */
  readonly xzFilter: readonly string[];
};

/** A row for each architecture. */
export const targets: { readonly [A in MachineArchitecture]: Target } = {
  amd64: {
    architecture: "amd64",
    triplet: "x86_64-linux-gnu",
    compiler: "gcc",
    buildPackages: [],
    loader: { name: "ld-linux-x86-64.so.2", directory: "usr/lib64" },
    xzFilter: ["--x86"],
  },
  arm64: {
    architecture: "arm64",
    triplet: "aarch64-linux-gnu",
    compiler: "aarch64-linux-gnu-gcc",
    buildPackages: ["gcc-aarch64-linux-gnu"],
    loader: { name: "ld-linux-aarch64.so.1", directory: "usr/lib" },
    xzFilter: [],
  },
};

import type { LogLevel } from "../../core/ports.ts";

/** What the process that serves contents is told. */
export type OriginOrder =
  | {
      readonly kind: "begin";
      readonly objects: string;
      readonly images: string;
      /** The Unix socket for a server in front, in the directory in which the process runs. */
      readonly socket: string;
      readonly connectionsPerAddress: number;
    }
  /** Serve on TCP as well. */
  | { readonly kind: "listen"; readonly addresses: readonly string[]; readonly port: number };

/** What it says: it listens on its socket, on TCP, or not; or a line for the log. */
export type OriginNote =
  | { readonly kind: "began" }
  | { readonly kind: "listening" }
  | { readonly kind: "failed"; readonly reason: string }
  | {
      readonly kind: "log";
      readonly level: LogLevel;
      readonly message: string;
      readonly facts: { readonly [name: string]: unknown };
    };

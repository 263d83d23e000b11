import type { LogLevel } from "../../core/ports.ts";
import type { Right } from "../sub/right.ts";
import type { TlsFiles } from "./nginx-configuration.ts";

/** What the process that serves contents is told. */
export type OriginOrder =
  | {
      readonly kind: "begin";
      readonly objects: string;
      readonly images: string;
      /** The Unix socket for a server in front, in the directory in which the process runs. */
      readonly socket: string;
      readonly connectionsPerAddress: number;
      /** Serve confidential contents, over TLS on TCP. */
      readonly confidential?: {
        /** The directory of confidential contents, by stream. */
        readonly streams: string;
        readonly tls: TlsFiles;
        readonly requestsPerMinute: number;
      };
    }
  /** Serve on TCP as well. */
  | { readonly kind: "listen"; readonly addresses: readonly string[]; readonly port: number }
  /** The decision about a sender. */
  | { readonly kind: "right"; readonly id: number; readonly right: Right };

/** What it says: it listens on its socket, on TCP, or not; or a line for the log. */
export type OriginNote =
  | { readonly kind: "began" }
  | { readonly kind: "listening" }
  | { readonly kind: "failed"; readonly reason: string }
  /** What may the sender of this `Authorization` header read? */
  | { readonly kind: "askRight"; readonly id: number; readonly authorization: string }
  | {
      readonly kind: "log";
      readonly level: LogLevel;
      readonly message: string;
      readonly facts: { readonly [name: string]: unknown };
    };

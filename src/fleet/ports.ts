import type { Mac } from "../core/net/mac.ts";
import type { Change, Clock, Random, Store } from "../core/ports.ts";

/** A request to the machine-facing port, as it is inside TLS. */
export type MachineRequest = { readonly path: string; readonly body: string; readonly bearer?: string | undefined };
export type MachineAnswer = {
  readonly status: number;
  readonly body: string;
  readonly retryAfterSeconds?: number | undefined;
};

/** What came of a promotion: the image that machines now get, or why it was refused. */
export type Promoted =
  | { readonly kind: "done"; readonly image: string }
  | { readonly kind: "refused"; readonly reason: string };

/** One server, with the code that answers real machines behind it. Nothing here takes time: the simulation adds it. */
export type ServerPort = {
  readonly store: Pick<Store, "byMac" | "get" | "list">;
  /** A DHCP datagram from a network; the answer is called for each reply. */
  readonly dhcp: (
    datagram: { readonly bytes: Uint8Array; readonly network: string },
    answer: (bytes: Uint8Array) => void,
  ) => void;
  readonly script: (mac: Mac, clientAddress: string) => Promise<string | undefined>;
  readonly loaderSent: (clientAddress: string, file: string) => void;
  /** Whether iPXE may fetch a boot file now. */
  readonly askFile: (
    clientAddress: string,
    path: string,
  ) => { readonly kind: "admitted" } | { readonly kind: "wait"; readonly retryAfterSeconds: number };
  readonly fileSent: (clientAddress: string, path: string, bytes: number, durationMs: number) => void;
  readonly ask: (request: MachineRequest) => Promise<MachineAnswer>;
  /** An operator promotes the next version of the image that most machines follow: to one machine first, then to all. */
  readonly promote?: (who: "first" | "all") => Promise<Promoted>;
  /** The process dies; what was not durable is lost. */
  readonly kill: () => void;
};

/** What opens servers: the real code, wired by main. All servers of a site share a database. */
export type Site = {
  readonly open: (nth: number) => Promise<ServerPort>;
  /** Names of the networks on which machines are born. */
  readonly nurseries: readonly string[];
  /** The image that machines get, as bytes that its files have together. */
  readonly imageBytes: number;
  /** Counts what the servers have done in real time: the simulation waits until nothing moves any more. */
  readonly progress: () => number;
  /** Warnings and errors of the servers' logs, with how often each came. */
  readonly logged: () => ReadonlyMap<string, number>;
};

/** What a site is opened with. */
export type SiteDeps = {
  readonly clock: Clock;
  readonly random: Random;
  readonly commitMs: number;
  readonly changed: (server: number, change: Change) => void;
};

/** What the Boot Server has sent since its start, for statistics. */
export type TrafficView = {
  readonly tftp: {
    /** Transfers by how they ended (core/tftp/transfer.ts), and requests that were refused. */
    readonly transfers: { readonly [end: string]: number };
    /** Bytes of files that were sent whole. */
    readonly bytes: number;
  };
  readonly http: {
    /** Answers by status, e.g. `200`; `aborted` are those whose client went away. */
    readonly answers: { readonly [status: string]: number };
    /** Bytes on the connections, headers included. */
    readonly bytes: number;
  };
};

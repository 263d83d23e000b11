import type { Machine, MachineId } from "../../core/machine/record.ts";
import type { Clock, PastChange } from "../../core/ports.ts";
import type { DocumentChange, Entry, Journal, RemoteChanges } from "../../mdb/journal/journal.ts";

/** Changes that are kept for the other servers of the database; one that is further behind reads everything. */
const keptChanges = 20_000;

/** A database in memory whose transactions take virtual time. Servers of one database write one after the other. */
export class SimulatedDatabase {
  readonly #clock: Clock;
  readonly #commitMs: number;
  readonly #machines = new Map<MachineId, Machine>();
  readonly #documents = new Map<string, DocumentChange>();
  readonly #feed: PastChange[] = [];
  readonly #listeners = new Map<number, () => void>();
  #position = 0;
  /** The last change that is not kept for the others. */
  #droppedTo = 0;
  #turn: Promise<void> = Promise.resolve();

  constructor(clock: Clock, commitMs: number) {
    this.#clock = clock;
    this.#commitMs = commitMs;
  }

  /** A server's connection; `isAlone` if no other server will ever write. `close` is the death of the server. */
  connect(server: number, isAlone: boolean): { readonly journal: Journal; readonly close: () => void } {
    let isOpen = true;
    const journal: Journal = {
      load: async () => this.#everything(),
      commit: async (batch) => {
        const release = await this.#begin();
        const known = batch.since();
        if (known !== this.#position) await batch.applyRemote(this.#changesSince(known));
        const entries = batch.entries();
        await this.#pass();
        const before = this.#position;
        if (isOpen) this.#write(entries);
        release();
        // The process is dead: nobody hears of it.
        if (!isOpen) return await new Promise<never>(() => {});
        this.#notifyOthers(server);
        return before;
      },
      remoteChangesSince: async (position) => this.#changesSince(position),
      changesSince: async () => ({ kind: "changes", changes: [] }),
      history: async () => [],
      audit: async () => [],
      backup: async () => {
        throw new Error("a simulated database has no backup");
      },
      ...(isAlone
        ? {}
        : { others: { watch: (heard) => void this.#listeners.set(server, heard), leads: () => this.#leads(server) } }),
      [Symbol.asyncDispose]: async () => {},
    };
    const close = () => {
      isOpen = false;
      this.#listeners.delete(server);
    };
    return { journal, close };
  }

  /** The lowest server that is connected. */
  #leads(server: number): boolean {
    return Math.min(...this.#listeners.keys()) === server;
  }

  async #begin(): Promise<() => void> {
    const before = this.#turn;
    let release: () => void = () => {};
    this.#turn = new Promise<void>((resolve) => {
      release = resolve;
    });
    await before;
    return release;
  }

  #pass(): Promise<void> {
    return new Promise((resolve) => this.#clock.startTimer?.(this.#commitMs, resolve));
  }

  #write(entries: readonly Entry[]): void {
    for (const entry of entries) {
      this.#position += 1;
      const position = this.#position;
      if (entry.kind === "document") {
        const { documentKind: kind, key, document } = entry;
        const change = { kind, key, position, ...(document === undefined ? {} : { document }) } as DocumentChange;
        this.#documents.set(`${kind} ${key}`, change);
        continue;
      }
      if (entry.kind === "act") continue;
      const { machine, event, atMs, by, absorbed } = entry;
      for (const { id } of absorbed) this.#machines.delete(id);
      this.#machines.set(machine.id, machine);
      if (this.#listeners.size === 0) {
        this.#droppedTo = position;
        continue;
      }
      const more = absorbed.length === 0 ? {} : { absorbed: absorbed.map(({ id }) => id) };
      this.#feed.push({ machine, event, atMs, position, ...(by === undefined ? {} : { by }), ...more });
    }
    if (this.#feed.length <= 2 * keptChanges) return;
    const dropped = this.#feed.splice(0, this.#feed.length - keptChanges);
    this.#droppedTo = dropped.at(-1)?.position ?? this.#droppedTo;
  }

  #notifyOthers(server: number): void {
    for (const [other, heard] of this.#listeners) if (other !== server) this.#clock.startTimer?.(0, heard);
  }

  #changesSince(position: number): RemoteChanges {
    const documents = [...this.#documents.values()].filter((change) => change.position > position);
    if (position < this.#droppedTo) return { kind: "everything", changes: [], ...this.#everything() };
    let first = this.#feed.length;
    while (first > 0 && (this.#feed[first - 1]?.position ?? 0) > position) first -= 1;
    const changes = this.#feed.slice(first);
    const machines = [...new Set(changes.map(({ machine }) => machine.id))].flatMap(
      (id) => this.#machines.get(id) ?? [],
    );
    return { kind: "changes", changes, machines, documents, unreadable: [], position: this.#position };
  }

  #everything() {
    const machines = [...this.#machines.values()];
    const documents = [...this.#documents.values()];
    return { position: this.#position, machines, unreadable: [], documents };
  }
}

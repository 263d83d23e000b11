import type { MachineId } from "../core/machine/record.ts";
import type { Agenda } from "./engine/agenda.ts";
import type { Promoted } from "./ports.ts";
import type { ServerSlot } from "./world.ts";

/** How a rollout went, in virtual milliseconds; what is absent has not happened. */
export type RolloutOutcome = {
  /** Machines that ran a version before. */
  readonly machines: number;
  /** When the operator began it, and the other racks were switched on. */
  readonly beganMs?: number;
  readonly image?: string;
  /** When the first machine was up with the new version, and all others were given it. */
  readonly allowedMs?: number;
  readonly moved: number;
  /** When the last of them was up with it. */
  readonly movedMs?: number;
  /** Why the latest request was refused. */
  readonly refused?: string;
};

/** The part of a machine's record that shows the rollout. */
type Seen = { readonly id: MachineId; readonly phase?: string; readonly runningImage?: string };

/** An operator looks again after this time. */
const againMs = 10_000;
const answerMs = 60_000;

/** An operator who moves working machines to the next version: one of them first, and all when that one is up (docs/images.md). */
export class Rollout {
  readonly #agenda: Agenda;
  readonly #servers: readonly ServerSlot[];
  readonly #moved = new Set<MachineId>();
  #outcome: Omit<RolloutOutcome, "moved">;

  constructor(of: { readonly agenda: Agenda; readonly servers: readonly ServerSlot[]; readonly machines: number }) {
    this.#agenda = of.agenda;
    this.#servers = of.servers;
    this.#outcome = { machines: of.machines };
  }

  get outcome(): RolloutOutcome {
    return { ...this.#outcome, moved: this.#moved.size };
  }

  get hasBegun(): boolean {
    return this.#outcome.beganMs !== undefined;
  }

  get isOver(): boolean {
    return this.#outcome.movedMs !== undefined;
  }

  begin(): void {
    this.#outcome = { ...this.#outcome, beganMs: this.#agenda.nowMs() };
    this.#promote("first");
  }

  #promote(who: "first" | "all"): void {
    const promoted = this.#servers.find(({ port }) => port !== undefined)?.port?.promote?.(who);
    if (promoted === undefined) {
      this.#later(who);
      return;
    }
    // A server that dies answers nothing.
    const giveUp = this.#agenda.after(answerMs, () => this.#promote(who));
    void promoted.then((answer) => {
      giveUp();
      this.#answered(who, answer);
    });
  }

  #later(who: "first" | "all"): void {
    this.#agenda.after(againMs, () => this.#promote(who));
  }

  #answered(who: "first" | "all", answer: Promoted): void {
    if (answer.kind === "refused") {
      this.#outcome = { ...this.#outcome, refused: answer.reason };
      this.#later(who);
      return;
    }
    const { refused: _before, ...kept } = this.#outcome;
    this.#outcome = who === "first" ? { ...kept, image: answer.image } : { ...kept, allowedMs: this.#agenda.nowMs() };
    if (who === "first") this.#later("all");
  }

  /** Takes what a record of one of the machines has become. */
  seen({ id, phase, runningImage }: Seen): void {
    const { image, machines } = this.#outcome;
    if (image === undefined || runningImage !== image || phase !== "up") return;
    this.#moved.add(id);
    if (this.#moved.size === machines) this.#outcome = { ...this.#outcome, movedMs: this.#agenda.nowMs() };
  }
}

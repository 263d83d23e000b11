import { setTimeout as wait } from "node:timers/promises";
import type { ImageView } from "../../contract/operator/views.ts";
import { type CopyStep, copySteps } from "../../core/image/copies/copy-steps.ts";
import { type HeldImage, heldImageDocument, heldImagesOf } from "../../core/image/copies/held-image.ts";
import { formatImageName, nextVersion, parseImageName } from "../../core/image/image-name.ts";
import type { Clock, Log, Store } from "../../core/ports.ts";
import type { ConfidentialStores } from "../storage/confidential-stores.ts";
import type { ImageStore } from "../storage/image-store.ts";
import { viewImage, viewImages } from "../storage/image-views.ts";
import { holdContents } from "../storage/store-lock.ts";
import type { CopyJob, CopyProgress, OtherImage } from "./copy-image.ts";
import { copyInThread } from "./copy-thread.ts";

/** The images of a server that shares its database with others. */
export type Copies = AsyncDisposable & {
  /** Records what was imported here, and returns all images of the database that a server has. */
  readonly images: () => Promise<readonly ImageView[]>;
};

/** What copies are made with. */
export type CopiesInput = {
  readonly store: Pick<Store, "documents" | "replaceDocument">;
  readonly images: ImageStore;
  readonly confidential: Pick<ConfidentialStores, "ofStream">;
  /** Where the contents of images are, those of confidential ones by stream below the second. */
  readonly objects: string;
  readonly confidentialObjects: string;
  /** Where this server gives its images to others: `ADDRESS:PORT`. */
  readonly self: string;
  readonly caPem: string;
  readonly secret: string;
  readonly clock: Pick<Clock, "monotonicMs">;
  readonly log: Log;
  /** Waits this long; rejects when the signal aborts. */
  readonly pause?: (ms: number, signal: AbortSignal) => Promise<void>;
};

/** Between two looks at the records; the Store hears of other servers' changes within 5 s. */
const lookMs = 5_000;
/** After a failed copy of an image: doubled each time, and forgotten when it succeeds. */
const retryMs = { first: 5_000, longest: 300_000 } as const;
/** For the first bytes of an answer of another server. */
const answerLimitMs = 60_000;
/** Between two lines about a running copy. */
const progressMs = 10_000;
/** Who the audit names for what a server does by itself. */
const by = "server";

/** A copy that failed, and when it is tried again. */
type Failed = { readonly failures: number; readonly againMs: number; readonly why: string };
type Running = { readonly name: string; readonly server: string; readonly progress: CopyProgress };

/**
 * Keeps the images of this server the same as those of the others on its database: records what is imported here, and
 * fetches, one image at a time, what the others have. An image is used when it is whole.
 */
export function openCopies(input: CopiesInput): Copies {
  const { pause = pauseFor } = input;
  const ending = new AbortController();
  const { signal } = ending;
  const copier = new Copier(input, signal);
  const run = async () => {
    while (!signal.aborted) {
      await copier
        .look()
        .catch((cause: unknown) => input.log("error", "comparing the servers' images failed", { cause }));
      await pause(lookMs, signal).catch(() => {});
    }
  };
  const ended = run();
  return {
    images: () => copier.views(),
    [Symbol.asyncDispose]: async () => {
      ending.abort();
      await ended;
    },
  };
}

const pauseFor = (ms: number, signal: AbortSignal): Promise<void> => wait(ms, undefined, { signal, ref: false });

class Copier {
  readonly #input: CopiesInput;
  readonly #signal: AbortSignal;
  readonly #failed = new Map<string, Failed>();
  readonly #lost = new Set<string>();
  #running: Running | undefined;

  constructor(input: CopiesInput, signal: AbortSignal) {
    this.#input = input;
    this.#signal = signal;
  }

  /** Records what is here, and copies what is elsewhere. */
  async look(): Promise<void> {
    await this.#settle();
    const steps = this.#steps();
    this.#noteLost(steps);
    for (const step of steps) {
      if (this.#signal.aborted) return;
      if (step.kind === "remove") await this.#input.images.remove(step.name);
      if (step.kind === "rename") await this.#rename(step.name);
      if (step.kind === "copy" && this.#isDue(step.held.name)) await this.#copy(step);
    }
  }

  /** All images of the database that a server has. */
  async views(): Promise<readonly ImageView[]> {
    await this.#settle();
    const recorded = new Map(heldImagesOf(this.#input.store).map((held) => [held.name, held]));
    const here = viewImages(this.#input.images).map((view) => {
      const held = recorded.get(view.name);
      return held === undefined ? view : { ...view, servers: held.servers };
    });
    for (const { name } of here) recorded.delete(name);
    const elsewhere = [...recorded.values()]
      .filter(({ servers, removed }) => servers.length > 0 && removed !== true)
      .map((held) => ({ ...viewImage(held), servers: held.servers, notHere: this.#whyNotHere(held.name) }));
    return [...here, ...elsewhere].sort(({ name }, other) => name.localeCompare(other.name, "en", { numeric: true }));
  }

  /** Records what is here. Another server may record the same name at the same time: then its record counts. */
  async #settle(): Promise<void> {
    const { images, store } = this.#input;
    await images.refresh();
    for (const step of this.#steps()) {
      if (step.kind === "record")
        await store.replaceDocument({ ...heldImageDocument(step.held), by, onlyIf: (now) => now === step.before });
    }
  }

  #steps(): readonly CopyStep[] {
    const { store, images, self } = this.#input;
    return copySteps({
      ...{ recorded: heldImagesOf(store), self },
      here: images.names().flatMap((name) => images.get(name) ?? []),
      unreadable: images.unreadable().map(({ name }) => name),
    });
  }

  #isDue(name: string): boolean {
    const { againMs = 0 } = this.#failed.get(name) ?? {};
    return this.#input.clock.monotonicMs() >= againMs;
  }

  async #rename(name: string): Promise<void> {
    const { images } = this.#input;
    const image = otherImage(name, this.#input);
    await copyInThread({ kind: "rename", image }, { onProgress: () => {}, signal: this.#signal });
    await images.drop(name);
    this.#noteNewName(name, image.newName);
    await this.#settle();
  }

  #noteNewName(image: string, newName: string): void {
    const what = "an image was imported here under a name that the other servers knew; it has a new name";
    this.#input.log("warn", what, { image, newName });
  }

  #noteLost(steps: readonly CopyStep[]): void {
    const names = steps.flatMap((step) => (step.kind === "lost" ? [step.name] : []));
    for (const image of names.filter((each) => !this.#lost.has(each)))
      this.#input.log("error", "no server has an image any more; import it again, it gets the next version", { image });
    this.#lost.clear();
    for (const name of names) this.#lost.add(name);
  }

  async #copy({ held, instead }: Extract<CopyStep, { kind: "copy" }>): Promise<void> {
    const { images, log } = this.#input;
    const { name: image, servers } = held;
    const failures = this.#failed.get(image)?.failures ?? 0;
    // Each attempt asks another server.
    const server = servers[failures % servers.length] ?? "";
    try {
      const job = await jobFor(held, { server, isInstead: instead === true, input: this.#input });
      using _held = await holdContents(job.objects, { signal: this.#signal });
      const { kept, fetchedBytes } = await copyInThread(job, {
        onProgress: this.#follow(image, server),
        signal: this.#signal,
      });
      if (kept !== undefined) this.#noteNewName(image, kept);
      await images.adopt(image, job.draft);
      await this.#settle();
      this.#failed.delete(image);
      log("info", "copied an image from another server", { image, server, fetchedBytes });
    } catch (cause) {
      if (!this.#signal.aborted) this.#noteFailure({ image, server, failures: failures + 1, cause });
    } finally {
      this.#running = undefined;
    }
  }

  /** Keeps the progress of a copy, and logs it from time to time. */
  #follow(image: string, server: string): (progress: CopyProgress) => void {
    const { clock, log } = this.#input;
    this.#running = { name: image, server, progress: { doneBytes: 0, totalBytes: 0 } };
    let loggedMs = clock.monotonicMs();
    return (progress) => {
      this.#running = { name: image, server, progress };
      if (clock.monotonicMs() - loggedMs < progressMs) return;
      loggedMs = clock.monotonicMs();
      log("info", "copying an image from another server", { image, server, ...progress });
    };
  }

  #noteFailure(failure: {
    readonly image: string;
    readonly server: string;
    readonly failures: number;
    readonly cause: unknown;
  }): void {
    const { image, server, failures, cause } = failure;
    const { clock, log } = this.#input;
    const pauseMs = Math.min(retryMs.first * 2 ** (failures - 1), retryMs.longest);
    const why = cause instanceof Error ? cause.message : String(cause);
    this.#failed.set(image, { failures, againMs: clock.monotonicMs() + pauseMs, why: `${server}: ${why}` });
    log("warn", "copying an image from another server failed; it is tried again", {
      ...{ image, server, retrySeconds: pauseMs / 1000, cause },
    });
  }

  /** Why an image that another server has is not here. */
  #whyNotHere(name: string): string {
    if (this.#running?.name === name) {
      const { server, progress } = this.#running;
      const percent = progress.totalBytes === 0 ? 0 : Math.floor((100 * progress.doneBytes) / progress.totalBytes);
      return `being copied from ${server}, ${percent} %`;
    }
    const why = this.#failed.get(name)?.why;
    return why === undefined ? "waiting to be copied" : `not copied yet: ${why}`;
  }
}

async function jobFor(
  { servers: _servers, ...image }: HeldImage,
  { server, isInstead, input }: { readonly server: string; readonly isInstead: boolean; readonly input: CopiesInput },
): Promise<CopyJob> {
  const { images, confidential, caPem, secret } = input;
  const stream = streamOf(image.name);
  // Makes its directory, which others cannot enter.
  if (image.confidential === true) await confidential.ofStream(stream);
  const objects = image.confidential === true ? `${input.confidentialObjects}/${stream}` : input.objects;
  const draft = `${images.pathOf(image.name)}.copy`;
  const instead = isInstead ? { instead: otherImage(image.name, input) } : {};
  return { kind: "copy", image, server, caPem, secret, objects, draft, answerLimitMs, ...instead };
}

/** An image of this server that is to have the next free name of its stream. */
function otherImage(name: string, { images, store }: Pick<CopiesInput, "images" | "store">): OtherImage {
  const known = [...images.taken(), ...heldImagesOf(store).map((image) => image.name)];
  const stream = streamOf(name);
  const newName = formatImageName({ stream, version: nextVersion(stream, known) });
  return { name, path: images.pathOf(name), newName, newPath: images.pathOf(newName) };
}

function streamOf(name: string): string {
  const parsed = parseImageName(name);
  if (parsed === undefined) throw new Error(`expected the name of an image, found ${JSON.stringify(name)}`);
  return parsed.stream;
}

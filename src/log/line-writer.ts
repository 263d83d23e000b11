import { writeSync } from "node:fs";
import { errorCode } from "../core/error-code.ts";

/** Writes lines to a descriptor, in order. */
export type LineWriter = {
  /**
   * Writes the line, including its newline, by the end of this turn of the event loop; at once if the log was quiet.
   */
  readonly write: (line: string) => void;
  /** Writes pending lines as far as the reader takes them. Never throws. */
  readonly flush: () => void;
};

/** After a quiet period of this length a line is written at once: a person may be reading, and long work may follow. */
const quietMs = 20;
/** Pause before the next attempt when the reader takes no more or is gone. */
const retryMs = 20;
/**
 * Lines are converted to bytes in pieces of this size, because joining very many strings takes several times the
 * memory.
 */
const pieceLength = 65_536;
/** Limit of pending bytes for a slow reader; later lines are lost, and counted. */
const waitingLimitBytes = 32 * 1024 * 1024;
/**
 * At the end of the process, writing stops after this number of attempts in succession, a millisecond apart, without
 * progress.
 */
const lastTries = 2000;

/**
 * Opens a writer on a descriptor, which must not block if it is a pipe or a socket. Pending lines are written when the
 * process ends. `lost` makes the line that replaces lost lines.
 */
export function openLineWriter(fd: number, lost: (lines: number) => string): LineWriter {
  const pending = new PendingLines(fd, lost);
  const schedule = new FlushSchedule(pending);
  process.on("exit", () => schedule.end());
  return { write: (line) => schedule.write(line), flush: () => schedule.flush() };
}

/** Lines on their way to a descriptor, as bytes in pieces; at the limit, later lines are lost and counted. */
class PendingLines {
  readonly #fd: number;
  readonly #lost: (lines: number) => string;
  /** Lines that are no piece yet. */
  #text = "";
  /** Earlier pending pieces; of the first piece only the end may be left. */
  readonly #pieces: Uint8Array[] = [];
  #pieceBytes = 0;
  #lostLines = 0;

  constructor(fd: number, lost: (lines: number) => string) {
    this.#fd = fd;
    this.#lost = lost;
  }

  get bytes(): number {
    return this.#pieceBytes;
  }

  /** Whether something is left that the reader did not take. */
  get areLeft(): boolean {
    return this.#pieceBytes > 0 || this.#lostLines > 0;
  }

  /** Adds a line; false if it is lost. */
  add(line: string): boolean {
    if (this.#pieceBytes > waitingLimitBytes) {
      this.#lostLines += 1;
      return false;
    }
    this.#reportLost();
    this.#text += line;
    if (this.#text.length > pieceLength) this.#makePiece();
    return true;
  }

  /** Writes as far as the reader takes it. */
  send(): void {
    this.#makePiece();
    if (!this.#sendPieces() || this.#lostLines === 0) return;
    this.#reportLost();
    this.#makePiece();
    this.#sendPieces();
  }

  #makePiece(): void {
    if (this.#text === "") return;
    const piece = Buffer.from(this.#text);
    this.#text = "";
    this.#pieces.push(piece);
    this.#pieceBytes += piece.length;
  }

  #reportLost(): void {
    if (this.#lostLines > 0) this.#text += this.#lost(this.#lostLines);
    this.#lostLines = 0;
  }

  /** Whether all pieces were sent; otherwise the write is retried later. */
  #sendPieces(): boolean {
    const pieces = this.#pieces;
    for (let [piece] = pieces; piece !== undefined; [piece] = pieces) {
      const sent = send(this.#fd, piece);
      if (sent.kind === "failed") {
        for (const gone of pieces.splice(0)) this.#lostLines += linesIn(gone);
        this.#pieceBytes = 0;
        return false;
      }
      this.#pieceBytes -= sent.bytes;
      if (sent.bytes < piece.length) {
        pieces[0] = piece.subarray(sent.bytes);
        return false;
      }
      pieces.shift();
    }
    return true;
  }
}

/** When pending lines are written: at once after a quiet period, else at the end of the turn, and again after a pause. */
class FlushSchedule {
  readonly #pending: PendingLines;
  #wroteAtMs = 0;
  #isPlanned = false;
  #isEnding = false;

  constructor(pending: PendingLines) {
    this.#pending = pending;
  }

  write(line: string): void {
    if (!this.#pending.add(line)) return;
    if (this.#isEnding) this.flush();
    else if (this.#isPlanned) return;
    else if (Date.now() - this.#wroteAtMs < quietMs) this.#plan((then) => setImmediate(then));
    else this.flush();
  }

  flush(): void {
    this.#wroteAtMs = Date.now();
    this.#pending.send();
    // The timer keeps no process alive, because pending lines are written on exit.
    if (this.#pending.areLeft) this.#plan((then) => setTimeout(then, retryMs).unref());
  }

  /** At the end of the process: blocks until everything is written, or the reader takes nothing for a while. */
  end(): void {
    this.#isEnding = true;
    const pause = new Int32Array(new SharedArrayBuffer(4));
    for (let tries = 0; tries < lastTries; tries += 1) {
      const before = this.#pending.bytes;
      this.flush();
      if (this.#pending.bytes === 0) return;
      if (this.#pending.bytes < before) tries = 0;
      Atomics.wait(pause, 0, 0, 1);
    }
  }

  #plan(start: (then: () => void) => void): void {
    if (this.#isPlanned) return;
    this.#isPlanned = true;
    start(() => {
      this.#isPlanned = false;
      this.flush();
    });
  }
}

function linesIn(bytes: Uint8Array): number {
  return bytes.reduce((lines, byte) => (byte === 10 ? lines + 1 : lines), 0);
}

type Sent = { readonly kind: "sent"; readonly bytes: number } | { readonly kind: "failed" };

/** Writes as much as the reader takes: nothing if it is behind; failed if it is gone, or the disk is full. */
function send(fd: number, bytes: Uint8Array): Sent {
  try {
    return { kind: "sent", bytes: writeSync(fd, bytes) };
  } catch (error) {
    return errorCode(error) === "EAGAIN" ? { kind: "sent", bytes: 0 } : { kind: "failed" };
  }
}

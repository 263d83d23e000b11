import { writeSync } from "node:fs";

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
  let waiting = "";
  /** Earlier pending pieces; of the first piece only the end may be left. */
  const pieces: Uint8Array[] = [];
  let pieceBytes = 0;
  let lostLines = 0;
  let wroteAtMs = 0;
  let isPlanned = false;
  let isEnding = false;

  const makePiece = (): void => {
    if (waiting === "") return;
    const piece = Buffer.from(waiting);
    waiting = "";
    pieces.push(piece);
    pieceBytes += piece.length;
  };
  const tellLost = (): void => {
    if (lostLines > 0) waiting += lost(lostLines);
    lostLines = 0;
  };
  /** Whether everything pending was sent; otherwise the write is retried later. */
  const sendPieces = (): boolean => {
    for (let [piece] = pieces; piece !== undefined; [piece] = pieces) {
      const sent = send(fd, piece);
      if (sent.kind === "failed") {
        for (const gone of pieces.splice(0)) lostLines += linesIn(gone);
        pieceBytes = 0;
        return false;
      }
      pieceBytes -= sent.bytes;
      if (sent.bytes < piece.length) {
        pieces[0] = piece.subarray(sent.bytes);
        return false;
      }
      pieces.shift();
    }
    return true;
  };
  const flush = (): void => {
    wroteAtMs = Date.now();
    makePiece();
    if (sendPieces() && lostLines > 0) {
      tellLost();
      makePiece();
      sendPieces();
    }
    if (pieceBytes > 0 || lostLines > 0) planRetry();
  };
  const planned = (): void => {
    isPlanned = false;
    flush();
  };
  const planRetry = (): void => {
    if (isPlanned) return;
    isPlanned = true;
    // The timer keeps no process alive, because pending lines are written on exit.
    setTimeout(planned, retryMs).unref();
  };
  const planFlush = (): void => {
    if (isPlanned) return;
    isPlanned = true;
    setImmediate(planned);
  };
  process.on("exit", () => {
    isEnding = true;
    const pause = new Int32Array(new SharedArrayBuffer(4));
    for (let tries = 0; tries < lastTries; tries += 1) {
      const before = pieceBytes;
      flush();
      if (pieceBytes === 0) return;
      if (pieceBytes < before) tries = 0;
      Atomics.wait(pause, 0, 0, 1);
    }
  });

  return {
    write: (line) => {
      if (pieceBytes > waitingLimitBytes) {
        lostLines += 1;
        return;
      }
      tellLost();
      waiting += line;
      if (waiting.length > pieceLength) makePiece();
      if (isEnding) flush();
      else if (isPlanned) return;
      else if (Date.now() - wroteAtMs < quietMs) planFlush();
      else flush();
    },
    flush,
  };
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
    const isBehind = error instanceof Error && "code" in error && error.code === "EAGAIN";
    return isBehind ? { kind: "sent", bytes: 0 } : { kind: "failed" };
  }
}

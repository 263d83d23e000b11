import type { Inode } from "../storage/inode.ts";
import type { Mount } from "../storage/mount-table.ts";
import { fault } from "./errno.ts";

/** An open file of a process. Operations that it does not support are absent, and fail. */
export type OpenFile = {
  /** What rules of troubles match: its path, or `ADDRESS:PORT`. */
  readonly about: string;
  /** Fills at most the whole buffer; returns the count, 0 at the end. */
  readonly read?: (buffer: Uint8Array) => number;
  readonly write?: (bytes: Uint8Array) => number;
  readonly seek?: (offset: number, whence: number) => number;
  readonly sync?: () => void;
  readonly close?: () => void;
  /** WDIOC_SETTIMEOUT, only for watchdogs. */
  readonly setTimeout?: (seconds: number) => void;
  /** Frames, only for a packet socket. */
  readonly frames?: {
    readonly send: (frame: Uint8Array) => void;
    readonly receive: (timeoutMs: number) => Uint8Array | undefined;
  };
  /** Only for a TCP socket: what its TLS session verifies. */
  readonly peer?: { readonly tls: (caPem: string, serverName: string) => string | undefined };
  /** Only for what was opened beneath a directory, and for new files: the object that the descriptor holds. */
  readonly place?: { readonly mount: Mount; readonly path: string; readonly inode: Inode };
  /** Whether a pipe has data or has ended. */
  readonly ready?: () => boolean;
};

/** The descriptors of all processes. */
export type Descriptors = {
  readonly add: (pid: number, file: OpenFile) => number;
  readonly put: (pid: number, fd: number, file: OpenFile) => void;
  readonly get: (pid: number, fd: number) => OpenFile;
  /** Also closes the last use of a file, which pipes notice. */
  readonly close: (pid: number, fd: number) => void;
  readonly closeAll: (pid: number) => void;
  /** Number of open descriptors of PID 1; no step may leave any behind. */
  readonly count: (pid: number) => number;
};

const firstFree = 3;

/** Starts without open descriptors. */
export function makeDescriptors(): Descriptors {
  const tables = new Map<number, Map<number, OpenFile>>();

  function tableOf(pid: number): Map<number, OpenFile> {
    const table = tables.get(pid) ?? new Map<number, OpenFile>();
    tables.set(pid, table);
    return table;
  }
  function isOpenElsewhere(file: OpenFile): boolean {
    return [...tables.values()].some((table) => [...table.values()].includes(file));
  }
  function close(pid: number, fd: number): void {
    const file = tableOf(pid).get(fd);
    if (file === undefined) throw fault("EBADF");
    tableOf(pid).delete(fd);
    if (!isOpenElsewhere(file)) file.close?.();
  }
  return {
    add: (pid, file) => {
      const table = tableOf(pid);
      let fd = firstFree;
      while (table.has(fd)) fd += 1;
      table.set(fd, file);
      return fd;
    },
    put: (pid, fd, file) => void tableOf(pid).set(fd, file),
    get: (pid, fd) => {
      const file = tableOf(pid).get(fd);
      if (file === undefined) throw fault("EBADF");
      return file;
    },
    close,
    closeAll: (pid) => {
      for (const fd of [...tableOf(pid).keys()]) close(pid, fd);
    },
    count: (pid) => tableOf(pid).size,
  };
}

/** Makes the two ends of a pipe, which holds any amount of data. */
export function makePipe(onWritten: () => void): { readonly reading: OpenFile; readonly writing: OpenFile } {
  let held: Uint8Array = new Uint8Array(0);
  let closed = false;
  return {
    reading: {
      about: "pipe",
      ready: () => held.length > 0 || closed,
      read: (buffer) => {
        const count = Math.min(buffer.length, held.length);
        buffer.set(held.subarray(0, count));
        held = held.slice(count);
        return count;
      },
    },
    writing: {
      about: "pipe",
      write: (bytes) => {
        const longer = new Uint8Array(held.length + bytes.length);
        longer.set(held);
        longer.set(bytes, held.length);
        held = longer;
        onWritten();
        return bytes.length;
      },
      close: () => {
        closed = true;
        onWritten();
      },
    },
  };
}

/** Opens an unnamed file in memory. */
export function makeAnonymousFile(): OpenFile & { readonly content: () => Uint8Array } {
  let bytes: Uint8Array = new Uint8Array(0);
  let at = 0;
  return {
    about: "temporary file",
    content: () => bytes,
    read: (buffer) => {
      const piece = bytes.subarray(at, at + buffer.length);
      buffer.set(piece);
      at += piece.length;
      return piece.length;
    },
    write: (more) => {
      const whole = new Uint8Array(Math.max(bytes.length, at + more.length));
      whole.set(bytes);
      whole.set(more, at);
      bytes = whole;
      at += more.length;
      return more.length;
    },
    seek: (offset, whence) => {
      at = whence === 0 ? offset : whence === 1 ? at + offset : bytes.length + offset;
      return at;
    },
  };
}

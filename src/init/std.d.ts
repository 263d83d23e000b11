/** The part of QuickJS' module `std` that init and birther-agent use (QuickJS 2025-04-26, quickjs-libc.c). */
declare module "std" {
  /** A C stream. Closed when collected, but close it explicitly, because descriptors are limited. */
  export interface File {
    close(): number;
    puts(text: string): void;
    flush(): void;
    /** 0, or a negative errno. */
    seek(offset: number, whence: number): number;
    fileno(): number;
    /** Bytes read, 0 at the end. */
    read(buffer: ArrayBuffer, offset: number, length: number): number;
    /** Bytes written. */
    write(buffer: ArrayBuffer, offset: number, length: number): number;
    /** The next line without its newline, or null at the end of the file. */
    getline(): string | null;
    readAsString(): string;
    error(): boolean;
  }

  /** null if the file cannot be opened; `error.errno` then holds the reason. */
  export function open(path: string, mode: string, error?: { errno?: number }): File | null;
  /** An unnamed stream in /tmp, removed when closed. */
  export function tmpfile(error?: { errno?: number }): File | null;
  /** The whole file read as UTF-8, or null if it cannot be read. */
  export function loadFile(path: string): string | null;
  export function strerror(errno: number): string;
  export function getenv(name: string): string | undefined;
  export function setenv(name: string, value: string): void;
  export function getenviron(): { [name: string]: string };
  export function exit(status: number): never;
  export function gc(): void;

  const SEEK_SET: number;
  const SEEK_CUR: number;
  const SEEK_END: number;

  export { SEEK_CUR, SEEK_END, SEEK_SET };

  /** Numbers of errno by name. */
  const errnoNumbers: {
    readonly [name in
      | "EINVAL"
      | "EIO"
      | "EACCES"
      | "EEXIST"
      | "ENOSPC"
      | "ENOSYS"
      | "EBUSY"
      | "ENOENT"
      | "EPERM"
      | "EPIPE"]: number;
  };

  export { errnoNumbers as Error };

  const out: File;
  const err: File;
  const in_: File;

  export { err, in_ as in, out };
}

/** Script path and arguments, as in qjs. */
declare const scriptArgs: readonly string[];
/** Writes to stdout, separated by spaces, and a newline. */
declare function print(...values: unknown[]): void;

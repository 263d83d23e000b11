/**
 * The part of QuickJS' module `os` that init and birther-agent use (QuickJS 2025-04-26, quickjs-libc.c). `Result` is 0
 * or more on success and -errno on failure; no function throws for a failed system call.
 */
declare module "os" {
  export type Result = number;
  /** Times are milliseconds since 1970. */
  export type Stat = {
    readonly dev: number;
    readonly ino: number;
    /** Type bits (S_IFMT) and permissions. */
    readonly mode: number;
    readonly nlink: number;
    readonly uid: number;
    readonly gid: number;
    readonly rdev: number;
    readonly size: number;
    readonly blocks: number;
    readonly atime: number;
    readonly mtime: number;
    readonly ctime: number;
  };
  export type ExecOptions = {
    /** Whether to wait for its end (default true). */
    readonly block?: boolean;
    readonly usePath?: boolean;
    readonly file?: string;
    readonly cwd?: string;
    readonly stdin?: number;
    readonly stdout?: number;
    readonly stderr?: number;
    /** Replaces our own environment. */
    readonly env?: { readonly [name: string]: string };
    readonly uid?: number;
    readonly gid?: number;
  };

  export function open(path: string, flags: number, mode?: number): Result;
  export function close(fd: number): Result;
  export function seek(fd: number, offset: number, whence: number): Result;
  export function read(fd: number, buffer: ArrayBuffer, offset: number, length: number): Result;
  export function write(fd: number, buffer: ArrayBuffer, offset: number, length: number): Result;
  export function isatty(fd: number): boolean;

  /** Unlinks a file or removes an empty directory. */
  export function remove(path: string): Result;
  export function rename(from: string, to: string): Result;
  export function mkdir(path: string, mode?: number): Result;
  /** Names in no order, with `.` and `..`; the second is an errno, 0 for success. */
  export function readdir(path: string): [string[], number];
  export function stat(path: string): [Stat | null, number];
  export function lstat(path: string): [Stat | null, number];
  export function realpath(path: string): [string, number];
  export function symlink(target: string, path: string): Result;
  export function readlink(path: string): [string, number];
  export function utimes(path: string, atimeMs: number, mtimeMs: number): Result;
  export function chdir(path: string): Result;

  /** Blocking: exit status, or -signal. Otherwise: process id. 127 if the program could not be started. */
  export function exec(argv: readonly string[], options?: ExecOptions): number;
  /** [process id (0: none has ended yet, or -errno), status as in waitpid(2)]. */
  export function waitpid(pid: number, options: number): [number, number];
  export function kill(pid: number, signal: number): Result;
  export function pipe(): [number, number] | null;
  export function dup(fd: number): Result;
  export function dup2(from: number, to: number): Result;
  /** undefined: ignore; null: back to the default. Handlers run only after the script has ended, in its event loop. */
  export function signal(signal: number, handler: (() => void) | null | undefined): void;
  /**
   * Calls back whenever the descriptor is readable, after the script has ended, in its event loop; null removes the
   * handler.
   */
  export function setReadHandler(fd: number, handler: (() => void) | null): void;
  export function sleep(milliseconds: number): void;
  export function setTimeout(callback: () => void, milliseconds: number): object;
  export function clearTimeout(timer: object): void;

  export const O_RDONLY: number;
  export const O_WRONLY: number;
  export const O_RDWR: number;
  export const O_APPEND: number;
  export const O_CREAT: number;
  export const O_EXCL: number;
  export const O_TRUNC: number;
  export const S_IFMT: number;
  export const S_IFIFO: number;
  export const S_IFCHR: number;
  export const S_IFDIR: number;
  export const S_IFBLK: number;
  export const S_IFREG: number;
  export const S_IFSOCK: number;
  export const S_IFLNK: number;
  export const WNOHANG: number;
  export const SIGINT: number;
  export const SIGTERM: number;
  export const SIGQUIT: number;
  export const SIGUSR1: number;
  export const SIGUSR2: number;
  export const SIGCHLD: number;
}

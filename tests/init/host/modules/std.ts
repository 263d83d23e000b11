import type * as Native from "std";
import { currentKernel } from "../current.ts";
import { makeAnonymousFile, type OpenFile } from "../system/descriptors.ts";
import { isFault, numberOf, textOf } from "../system/errno.ts";

/** The part of QuickJS's module `std` that init uses, on the fake host. */

/** A C stream over an open file. */
function streamOf(file: OpenFile, fd: number): Native.File {
  const kernel = currentKernel();
  let failed = false;
  let held = "";

  function rest(): string {
    const pieces: Uint8Array[] = [];
    const buffer = new Uint8Array(1 << 16);
    for (;;) {
      const count = readInto(buffer);
      if (count <= 0) return Buffer.concat(pieces).toString("utf8");
      pieces.push(buffer.slice(0, count));
    }
  }
  function readInto(buffer: Uint8Array): number {
    try {
      return kernel.cpu.call("read", file.about, (trouble) => {
        const count = file.read?.(buffer) ?? 0;
        if (trouble?.kind === "garbles") buffer.set(trouble.change(buffer.slice(0, count)).subarray(0, count));
        return count;
      });
    } catch (error) {
      if (!isFault(error)) throw error;
      failed = true;
      return 0;
    }
  }
  function writeOut(bytes: Uint8Array): void {
    try {
      kernel.cpu.call("write", file.about, () => file.write?.(bytes));
    } catch (error) {
      if (!isFault(error)) throw error;
      failed = true;
    }
  }
  return {
    close: () => {
      kernel.files.close(kernel.cpu.current(), fd);
      return 0;
    },
    puts: (text) => {
      held += text;
    },
    flush: () => {
      if (held !== "") writeOut(Buffer.from(held));
      held = "";
    },
    seek: (offset, whence) => {
      file.seek?.(offset, whence);
      return 0;
    },
    fileno: () => fd,
    read: (buffer, offset, length) => readInto(new Uint8Array(buffer, offset, length)),
    write: (buffer, offset, length) => {
      writeOut(new Uint8Array(buffer, offset, length).slice());
      return failed ? 0 : length;
    },
    getline: () => {
      held += rest();
      const end = held.indexOf("\n");
      const line = end < 0 ? held : held.slice(0, end);
      held = end < 0 ? "" : held.slice(end + 1);
      return line === "" && end < 0 ? null : line;
    },
    readAsString: rest,
    error: () => failed,
  };
}

const modes: { readonly [mode: string]: number } = { r: 0, rb: 0, w: 0o1101, wb: 0o1101, a: 0o2101 };

export const open: typeof Native.open = (path, mode, error) => {
  const kernel = currentKernel();
  const flags = modes[mode] ?? 0;
  try {
    const file = kernel.cpu.call(flags === 0 ? "open" : "create", path, () =>
      kernel.open(path, { flags, mode: 0o666 }),
    );
    return streamOf(file, kernel.files.add(kernel.cpu.current(), file));
  } catch (cause) {
    if (!isFault(cause)) throw cause;
    if (error !== undefined) error.errno = numberOf(cause.errno);
    return null;
  }
};

export const tmpfile: typeof Native.tmpfile = (error) => {
  const kernel = currentKernel();
  try {
    const file = kernel.cpu.call("tmpfile", "", makeAnonymousFile);
    return streamOf(file, kernel.files.add(kernel.cpu.current(), file));
  } catch (cause) {
    if (!isFault(cause)) throw cause;
    if (error !== undefined) error.errno = numberOf(cause.errno);
    return null;
  }
};

export const loadFile: typeof Native.loadFile = (path) => open(path, "rb")?.readAsString() ?? null;

export const strerror: typeof Native.strerror = textOf;

export const getenv: typeof Native.getenv = (name) => getenviron()[name];
export const getenviron: typeof Native.getenviron = () => ({
  PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
});

export const exit: typeof Native.exit = () => currentKernel().cpu.end({ kind: "exited" });
export const gc: typeof Native.gc = () => undefined;

export const SEEK_SET = 0;
export const SEEK_CUR = 1;
export const SEEK_END = 2;

const errnoNumbers: typeof Native.Error = {
  EINVAL: numberOf("EINVAL"),
  EIO: numberOf("EIO"),
  EACCES: numberOf("EACCES"),
  EEXIST: numberOf("EEXIST"),
  ENOSPC: numberOf("ENOSPC"),
  ENOSYS: numberOf("ENOSYS"),
  EBUSY: numberOf("EBUSY"),
  ENOENT: numberOf("ENOENT"),
  EPERM: numberOf("EPERM"),
  EPIPE: numberOf("EPIPE"),
};

export { errnoNumbers as Error };

/** Standard output, which goes to the console. */
export const out: Native.File = {
  close: () => 0,
  puts: (text) => void currentKernel().screen.push(text.trimEnd()),
  flush: () => currentKernel().cpu.call("write", "standard output", () => undefined),
  seek: () => 0,
  fileno: () => 1,
  read: () => 0,
  write: (_buffer, _offset, length) => length,
  getline: () => null,
  readAsString: () => "",
  error: () => false,
};
export { out as err };

/** A file that is served: its size in bytes, and its entity tag with the quotes (RFC 9110 §8.8.3). */
export type FileFacts = { readonly size: number; readonly etag: string; readonly contentType: string };

/** The request headers that affect a file's answer, by their lower-case names. */
export type FileHeaders = {
  readonly range?: string | undefined;
  readonly "if-range"?: string | undefined;
  readonly "if-match"?: string | undefined;
  readonly "if-none-match"?: string | undefined;
};

/** An answer as a value: the bytes of the file (from, up to but not including to), status and headers. */
export type FileAnswer = {
  readonly status: 200 | 206 | 304 | 412 | 416;
  readonly headers: { readonly [name: string]: string | number };
  readonly from: number;
  readonly to: number;
};

/**
 * Decides how to answer a GET or HEAD of a file (RFC 9110 §13, §14). UEFI HTTP boot resumes with Range and If-Match
 * (netboot.md §1.7).
 */
export function planFileAnswer(file: FileFacts, headers: FileHeaders): FileAnswer {
  const { size, etag, contentType } = file;
  const common = { etag, "accept-ranges": "bytes", "content-type": contentType };
  const empty = { from: 0, to: 0 };
  if (headers["if-match"] !== undefined && !names(headers["if-match"], etag))
    return { status: 412, headers: { ...common, "content-length": 0 }, ...empty };
  if (headers["if-none-match"] !== undefined && names(headers["if-none-match"], etag))
    return { status: 304, headers: common, ...empty };
  const whole: FileAnswer = {
    status: 200,
    headers: { ...common, "content-length": size },
    from: 0,
    to: size,
  };
  const stale = headers["if-range"] !== undefined && headers["if-range"] !== etag;
  const range = headers.range === undefined || stale ? undefined : readRange(headers.range, size);
  if (range === undefined) return whole;
  if (range === "unsatisfiable")
    return {
      status: 416,
      headers: { ...common, "content-length": 0, "content-range": `bytes */${size}` },
      ...empty,
    };
  const contentRange = `bytes ${range.from}-${range.to - 1}/${size}`;
  const partial = { ...common, "content-length": range.to - range.from, "content-range": contentRange };
  return { status: 206, headers: partial, ...range };
}

/** One range of bytes; undefined for ranges to ignore: other units, several ranges, invalid ones (RFC 9110 §14.2). */
function readRange(text: string, length: number): { from: number; to: number } | "unsatisfiable" | undefined {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(text.trim());
  const [first, last] = [match?.[1] ?? "", match?.[2] ?? ""];
  if (first === "" && last === "") return undefined;
  if (first === "") {
    const suffix = Math.min(Number(last), length);
    return suffix === 0 ? "unsatisfiable" : { from: length - suffix, to: length };
  }
  const from = Number(first);
  if (last !== "" && Number(last) < from) return undefined;
  if (from >= length) return "unsatisfiable";
  return { from, to: last === "" ? length : Math.min(Number(last) + 1, length) };
}

function names(list: string, etag: string): boolean {
  return list.split(",").some((entry) => entry.trim() === "*" || entry.trim() === etag);
}

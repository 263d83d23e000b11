/** /sys and /proc as the scan sees them. A path that is not there reads as an empty text, an empty list, an empty link. */
export type Tree = {
  readonly text: (path: string) => string;
  readonly list: (directory: string) => readonly string[];
  /** Where a symbolic link leads, all links resolved. */
  readonly target: (path: string) => string;
};

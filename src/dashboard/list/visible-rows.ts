/** Rows beyond the edges that are drawn as well, so that scrolling shows no gaps. */
const spare = 8;

/** The rows in sight of a box that is scrolled down by `top` pixels. */
export function visibleRows(of: {
  readonly top: number;
  readonly height: number;
  readonly rowPixels: number;
  readonly count: number;
}): { readonly from: number; readonly to: number } {
  const { top, height, rowPixels, count } = of;
  const from = Math.max(0, Math.min(count, Math.floor(top / rowPixels)) - spare);
  return { from, to: Math.min(count, Math.ceil((top + height) / rowPixels) + spare) };
}

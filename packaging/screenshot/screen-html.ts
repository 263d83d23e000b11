type Style = { readonly color: string | undefined; readonly bold: boolean; readonly dim: boolean };

const plain: Style = { color: undefined, bold: false, dim: false };

/** The eight colours of SGR 30 to 37, readable on the dark background of the page. */
const palette = ["#45475a", "#f38ba8", "#a6e3a1", "#f9e2af", "#89b4fa", "#cba6f7", "#94e2d5", "#cdd6f4"] as const;

/** CSS pixels; the font's characters are 0.602 em wide (DejaVu Sans Mono). */
const font = { size: 15, width: 9.03, line: 20, padding: 18 } as const;

/** A web page that shows a terminal screen, and its size in CSS pixels. */
export type ScreenPage = { readonly html: string; readonly width: number; readonly height: number };

/**
 * Renders what `tmux capture-pane -e -p` prints (text with SGR sequences, ECMA-48 §8.3.117) as a web page. Empty lines
 * at the end are cut off.
 */
export function screenPage(screen: string, columns: number): ScreenPage {
  const lines = screen.replace(/\s+$/, "").split("\n");
  const width = Math.ceil(columns * font.width) + 2 * font.padding;
  const height = lines.length * font.line + 2 * font.padding;
  const html = `<!doctype html><meta charset="utf-8"><style>
html, body { margin: 0; background: #1e1e2e; }
pre { margin: 0; padding: ${font.padding}px; color: #cdd6f4; font: ${font.size}px/${font.line}px "DejaVu Sans Mono"; }
</style><pre>${markUp(lines.join("\n"))}</pre>`;
  return { html, width, height };
}

function markUp(text: string): string {
  let style = plain;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: ESC begins every sequence
  const parts = text.split(/(\x1b\[[0-9;]*m)/);
  return parts
    .map((part) => {
      if (!part.startsWith("\x1b[")) return part === "" ? "" : `<span style="${css(style)}">${escapeHtml(part)}</span>`;
      style = part.slice(2, -1).split(";").map(Number).reduce(applySgr, style);
      return "";
    })
    .join("");
}

/** One SGR parameter; those that the demo does not use change nothing. */
function applySgr(style: Style, code: number): Style {
  if (code === 0) return plain;
  if (code === 1) return { ...style, bold: true };
  if (code === 2) return { ...style, dim: true };
  if (code === 22) return { ...style, bold: false, dim: false };
  if (code === 39) return { ...style, color: undefined };
  return code >= 30 && code <= 37 ? { ...style, color: palette[code - 30] } : style;
}

function css({ color, bold, dim }: Style): string {
  return [
    ...(color === undefined ? [] : [`color:${color}`]),
    ...(bold ? ["font-weight:bold"] : []),
    ...(dim ? ["opacity:.55"] : []),
  ].join(";");
}

function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}

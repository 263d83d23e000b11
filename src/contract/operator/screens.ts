/** The dashboard's screens by the first part of their path; the server answers these paths with the dashboard's page. */
export const screens = {
  "": "Arrival",
  wrong: "What is wrong",
  machines: "Machines",
  m: "Machine",
  images: "Images",
  networks: "Networks",
  audit: "Audit",
  tokens: "Tokens",
  login: "Log in",
} as const;
export type Screen = keyof typeof screens;

/** The screen that a path leads to; undefined if it is none. */
export function screenOf(pathname: string): Screen | undefined {
  const [, first = "", ...rest] = pathname.split("/");
  if (!Object.keys(screens).includes(first)) return undefined;
  const isDeep = rest.length > 0;
  // Only the screen of a machine has a name behind it.
  return isDeep === (first === "m") ? (first as Screen) : undefined;
}

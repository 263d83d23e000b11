/**
 * The routes of the machine-facing port: JSON over TLS, `POST`. Readers ignore keys that they do not know; whatever a reader
 * must not ignore has a higher protocol number (protocol.ts). A refusal is `application/problem+json` in the form of `problem`
 * (problem.ts).
 */
export const paths = {
  order: "/machine/v1/order",
  report: "/machine/v1/report",
  healthy: "/machine/v1/healthy",
  resume: "/machine/v1/resume",
  recovery: "/machine/v1/recovery",
  subPoll: "/sub/v1/poll",
  fetchTurn: "/sub/v1/fetch-turn",
} as const;

/** The name in the server's certificate; init and agents verify it, whatever address they connect to. */
export const serverName = "birther";

/** A larger deviation means that the clock is wrong; certificates tolerate a day. */
const toleratedMs = 86_400_000;

/** The sources of time before TLS is available; milliseconds since 1970. */
export type TimeHints = {
  readonly clockMs: number;
  /** The time in the boot script. It is not authenticated, but precise enough for certificates that last years; the order follows. */
  readonly serverMs?: number | undefined;
  /** The start of the CA certificate's validity. */
  readonly certificateStartMs?: number | undefined;
};

/**
 * The time to set the clock to so that TLS works; undefined if the clock may stay. A dead battery leaves it in the past; a
 * mistake or a broken board puts it into the future, where every certificate has expired.
 */
export function clockForTls({ clockMs, serverMs, certificateStartMs }: TimeHints): number | undefined {
  if (serverMs !== undefined) return Math.abs(clockMs - serverMs) > toleratedMs ? serverMs : undefined;
  return certificateStartMs !== undefined && clockMs < certificateStartMs ? certificateStartMs : undefined;
}

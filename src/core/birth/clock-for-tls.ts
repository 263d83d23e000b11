/** Further off than this the clock is wrong; certificates are made to bear a day. */
const toleratedMs = 86_400_000;

/** What is known of the time before there is TLS; milliseconds since 1970. */
export type TimeHints = {
  readonly clockMs: number;
  /** What the boot script said, which came unauthenticated: good enough for certificates of years, and the order follows. */
  readonly serverMs?: number | undefined;
  /** When the CA certificate begins. */
  readonly certificateStartMs?: number | undefined;
};

/**
 * What to set the clock to so that TLS can begin; undefined if it may stay. A dead battery leaves it in the past, a wrong
 * hand or a broken board in the future, where every certificate has ended.
 */
export function clockForTls({ clockMs, serverMs, certificateStartMs }: TimeHints): number | undefined {
  if (serverMs !== undefined) return Math.abs(clockMs - serverMs) > toleratedMs ? serverMs : undefined;
  return certificateStartMs !== undefined && clockMs < certificateStartMs ? certificateStartMs : undefined;
}

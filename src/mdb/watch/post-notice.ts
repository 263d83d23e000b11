import type { Notice } from "../../core/machine/health/notification.ts";
import { signatureHeaders } from "./webhook-signature.ts";

/** A URL to call, and the key that signs its calls. */
export type Webhook = { readonly url: string; readonly key: Uint8Array };

const answerWithinMs = 10_000;

/** Posts a notice to a webhook; resolves to why it was not accepted, or undefined if it was. */
export async function postNotice(
  webhook: Webhook,
  notice: Notice,
  options: { readonly nowMs: number; readonly signal: AbortSignal },
): Promise<string | undefined> {
  const body = JSON.stringify(notice);
  try {
    const response = await fetch(webhook.url, {
      method: "POST",
      body,
      redirect: "error",
      signal: AbortSignal.any([options.signal, AbortSignal.timeout(answerWithinMs)]),
      headers: {
        "content-type": "application/json",
        ...signatureHeaders({ id: notice.id, atMs: options.nowMs, body }, webhook.key),
      },
    });
    await response.body?.cancel();
    return response.ok ? undefined : `expected a 2xx status, found ${response.status}`;
  } catch (cause) {
    if (!(cause instanceof Error)) return String(cause);
    const { message, cause: deeper } = cause;
    return deeper instanceof Error ? `${message}: ${deeper.message}` : message;
  }
}

import type { Site } from "../init/site/site.ts";

/** A request of a machine and its answer; bodies are JSON, or undefined where they are something else. */
export type Exchange = {
  readonly path: string;
  readonly request: unknown;
  readonly status: number;
  readonly answer: unknown;
};

type Part = { readonly start: string; readonly body: Buffer };

/** Records what the machines of a site say from now on, and hear; the function returned reads what was recorded. */
export function recordSite(site: Site): () => readonly Exchange[] {
  const conversations: { readonly sent: Buffer[]; readonly heard: Buffer[] }[] = [];
  for (const [endpoint, listener] of site.listeners) {
    site.listeners.set(endpoint, {
      ...listener,
      connect: (clientAddress) => {
        const conversation = listener.connect(clientAddress);
        const recorded = { sent: [] as Buffer[], heard: [] as Buffer[] };
        conversations.push(recorded);
        return {
          exchange: (bytes) => {
            const answer = conversation.exchange(bytes);
            recorded.sent.push(Buffer.from(bytes));
            recorded.heard.push(Buffer.from(answer.bytes));
            return answer;
          },
          close: () => conversation.close(),
        };
      },
    });
  }
  return () =>
    conversations.flatMap(({ sent, heard }) => {
      const answers = partsOf(Buffer.concat(heard));
      return partsOf(Buffer.concat(sent)).flatMap(({ start, body }, index) => {
        const answer = answers[index];
        if (answer === undefined) return [];
        const [, path = "", status = ""] = [
          ...(/ (\S+) /.exec(start) ?? []),
          ...(/ (\d+)/.exec(answer.start)?.slice(1) ?? []),
        ];
        return [{ path, request: jsonOf(body), status: Number(status), answer: jsonOf(answer.body) }];
      });
    });
}

/** The HTTP/1.1 messages in a stream; all of ours say how long they are. */
function partsOf(bytes: Buffer): Part[] {
  const parts: Part[] = [];
  for (let at = 0; ; ) {
    const end = bytes.indexOf("\r\n\r\n", at);
    if (end < 0) return parts;
    const head = bytes.subarray(at, end).toString("latin1");
    const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
    const [start = ""] = head.split("\r\n");
    at = end + 4 + length;
    parts.push({ start, body: bytes.subarray(end + 4, at) });
  }
}

function jsonOf(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined;
  }
}

import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { outcomeOf, start } from "./birther-command.ts";

const state = mkdtempSync(join(tmpdir(), "birther-cut-"));
after(() => rmSync(state, { recursive: true }));

/** A server on the socket of a state directory that cuts each connection when it has sent this much of an answer. */
async function cutter(sent: string): Promise<AsyncDisposable> {
  const server = createServer((socket: Socket) => {
    socket.on("error", () => undefined);
    socket.once("data", () => (sent === "" ? socket.destroy() : socket.write(sent, () => socket.destroy())));
  });
  await once(server.listen(join(state, "api.sock")), "listening");
  return { [Symbol.asyncDispose]: async () => void (await once(server.close(), "close")) };
}

const begun = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100000\r\n\r\n{"';
const nothing = /^birther: the server at .*api\.sock gave no answer \(socket hang up\)$/m;
const part = /^birther: the server's answer broke off before its end$/m;
const again = /^(next: )?run the command again: the server may have been restarted/m;
const perhaps = /^(next: )?it may have been done: look at birther audit -n 5/m;

const rows: readonly (readonly [title: string, sent: string, command: string, said: RegExp, next: RegExp])[] = [
  ["a question without an answer", "", "machines", nothing, again],
  ["an act without an answer", "", "hold r01u1 -r x", nothing, perhaps],
  ["a part of an answer", begun, "machines", part, again],
  ["a part of an act's answer", begun, "hold r01u1 -r x", part, perhaps],
  ["a part of an export", begun, "export ansible --list", part, again],
  ["a part of a backup", begun, `mdb backup ${join(state, "backup")}`, part, again],
];
for (const [title, sent, command, said, next] of rows)
  test(`${title}: exit status 3, what happened and what to do`, async () => {
    await using _ = await cutter(sent);
    const { status, err } = await outcomeOf(start([...command.split(" "), "--state", state]));
    assert.equal(status, 3, err);
    assert.match(err, said);
    assert.match(err, next);
  });

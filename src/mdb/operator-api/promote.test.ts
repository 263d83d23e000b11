import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as v from "valibot";
import { streamAnswer } from "../../contract/operator/answers/image.ts";
import { imageStreamOf } from "../../core/image/stream/image-stream.ts";
import { adoptImports, settleStreams } from "../image-streams/first-current.ts";
import { birthOf } from "../testing/fleet.ts";
import { openApp } from "../testing/operator-app.ts";

const images = ["compute/1", "compute/2", "compute/3"];

/** Three machines that run the one version that there was, and two newer ones that were imported since. */
async function openSite() {
  const site = await openApp(3, 0, images);
  await adoptImports(site, ["compute/1"]);
  const required = () => site.store.list().map(({ requiredImage }) => requiredImage);
  const runs = async (n: number, runningImage: string) => {
    const { id } = site.store.find(`r01u${n}`) ?? assert.fail();
    await site.store.apply({ kind: "subSeen", id, runningImage });
  };
  for (const n of [1, 2, 3]) await runs(n, "compute/1");
  const promote = (body: object) => site.post("/v1/streams/compute/promote", body);
  return { ...site, required, runs, promote, [Symbol.asyncDispose]: site[Symbol.asyncDispose] };
}

describe("promotion by the API", () => {
  test("an import moves nothing; a promotion moves one machine, then, by a second request, the rest and newborns", async () => {
    await using site = await openSite();
    await adoptImports(site, images);
    assert.deepEqual(site.required(), ["compute/1", "compute/1", "compute/1"]);
    const begun = await site.promote({ version: 2 });
    assert.ok(v.is(streamAnswer, begun.json), JSON.stringify(begun.json));
    assert.deepEqual([begun.status, begun.json.promotion?.canary, begun.json.current], [200, "r01u1", "compute/1"]);
    assert.deepEqual(site.required(), ["compute/2", "compute/1", "compute/1"]);
    const { evidence } = (await site.ask("/v1/machines/r01u1/why")).json;
    assert.match(
      evidence.join("\n"),
      /runs compute\/1, requires compute\/2\nit is the first machine to get compute\/2, which uid:root promoted/,
    );
    const early = await site.promote({ version: 2, all: true });
    assert.deepEqual([early.status, early.json.kind], [409, "promotionRefused"]);
    await site.runs(1, "compute/2");
    const rest = await site.promote({ version: 2, all: true });
    assert.deepEqual([rest.json.current, rest.json.previous, rest.json.moving], ["compute/2", "compute/1", undefined]);
    assert.deepEqual(site.required(), ["compute/2", "compute/2", "compute/2"]);
    for (const event of birthOf(4)) await site.store.apply(event);
    assert.equal(site.store.find("r01u4")?.requiredImage, "compute/2");
    const rows = [...site.exports.dominatorMdb()].join("").trim();
    assert.deepEqual(
      JSON.parse(rows).map((row: { RequiredImage: string }) => row.RequiredImage),
      ["compute/2", "compute/2", "compute/2", "compute/2"],
      "an external Dominator reads the exact version",
    );
  });

  test("it is in the machine's history and in the audit, with the operator's name", async () => {
    await using site = await openSite();
    await site.promote({ version: 2, canary: "r01u3" });
    const { events } = (await site.ask("/v1/machines/r01u3/events")).json;
    const { event, by } = events.at(-1);
    assert.deepEqual([event.kind, event.image, by], ["imageRequired", "compute/2", "uid:root"]);
    const { entries } = (await site.ask("/v1/audit?about=compute")).json;
    assert.deepEqual(
      entries.map((entry: { by: string; action: string }) => [entry.by, entry.action]),
      [
        ["uid:root", "put imageStream"],
        ["server", "put imageStream"],
        ["server", "put imageStream"],
      ],
    );
    assert.equal(entries[0].after.promotion.version, 2);
  });

  test("rollback returns the first machine; after the move, all of them", async () => {
    await using site = await openSite();
    const rollback = () => site.post("/v1/streams/compute/rollback", {});
    await site.promote({ version: 2 });
    assert.equal((await rollback()).json.current, "compute/1");
    assert.deepEqual(site.required(), ["compute/1", "compute/1", "compute/1"]);
    assert.equal((await rollback()).status, 409);
    await site.promote({ version: 3, all: true, skipCanary: true });
    assert.deepEqual(site.required(), ["compute/3", "compute/3", "compute/3"]);
    assert.equal((await rollback()).json.current, "compute/1");
    assert.deepEqual(site.required(), ["compute/1", "compute/1", "compute/1"]);
  });

  test("two operators at the same moment: one promotion begins, the other is refused", async () => {
    await using site = await openSite();
    const answers = await Promise.all([site.promote({ version: 2 }), site.promote({ version: 3 })]);
    assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 409]);
    assert.equal(site.required().filter((image) => image !== "compute/1").length, 1);
  });

  test("refused: an image that does not exist, an unknown machine, a stream without versions", async () => {
    await using site = await openSite();
    assert.deepEqual((await site.promote({ version: 9 })).json.kind, "noSuchImage");
    assert.equal((await site.promote({ version: 2, canary: "nobody" })).status, 404);
    assert.equal((await site.post("/v1/streams/gpu/rollback", {})).status, 409);
    assert.equal((await site.promote({ version: "2" })).status, 422);
  });
});

test("a database from before current versions: the newest version is current, and no machine moves", async () => {
  await using site = await openApp(2, 0, images);
  const { store } = site;
  const [one, two] = store.list();
  assert.deepEqual([one?.requiredImage, two?.requiredImage], ["compute", "compute"], "as such a Birther wrote them");
  for (const { id } of store.list()) await store.apply({ kind: "subSeen", id, runningImage: "compute/3" });
  // This server has fewer images than the one before: what the machines run counts.
  await settleStreams(site, ["compute/1", "compute/2"]);
  assert.equal(imageStreamOf(store, "compute")?.current, 3);
  assert.deepEqual(
    store.list().map(({ requiredImage, imageStream, runningImage }) => [requiredImage, imageStream, runningImage]),
    [
      ["compute/3", "compute", "compute/3"],
      ["compute/3", "compute", "compute/3"],
    ],
  );
});

test("a move that the end of a server interrupted is finished at the next start", async () => {
  await using site = await openSite();
  const { store } = site;
  const held = imageStreamOf(store, "compute") ?? assert.fail();
  const document = { ...held, current: 2, previous: 1, moving: true } as const;
  await store.putDocument({ kind: "imageStream", key: "compute", document });
  await settleStreams(site, images);
  assert.deepEqual(site.required(), ["compute/2", "compute/2", "compute/2"]);
  assert.equal(imageStreamOf(store, "compute")?.moving, undefined);
});

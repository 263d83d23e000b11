import assert from "node:assert/strict";
import { test } from "node:test";
import { openApp, outside } from "../testing/operator-app.ts";

const images = ["compute/1", "compute/2"];

test("an image that a machine runs is not removed; one that nobody uses is, by an operator only", async () => {
  await using site = await openApp(1, 0, images);
  const { id } = site.store.find("r01u1") ?? assert.fail();
  await site.store.apply({ kind: "subSeen", id, runningImage: "compute/1" });
  const remove = (version: number, asking = {}) => site.post("/v1/streams/compute/remove", { version }, asking);
  const refused = await remove(1);
  assert.deepEqual([refused.status, refused.json.kind], [409, "imageInUse"]);
  assert.match(refused.json.detail, /compute\/1 is (required|run) by 1 machine: r01u1/);
  assert.equal((await remove(9)).status, 422);
  assert.equal((await remove(2, { listener: outside })).status, 401);
  assert.deepEqual(site.removed, []);
  assert.deepEqual((await remove(2)).json, { removed: "compute/2" });
  assert.deepEqual(site.removed, ["compute/2"]);
});

test("images are named exactly, and one that this server lacks is refused by name", async () => {
  await using site = await openApp(0, 0, images);
  for (const [path, status] of [
    ["/v1/streams/compute/image?version=9", 422],
    ["/v1/streams/compute/image?version=0", 400],
    ["/v1/streams/compute/image", 400],
    ["/v1/streams/compute/image?version=1", 200],
    ["/v1/streams/compute/image?version=2", 422],
    ["/v1/streams/compute/difference?version=2&from=compute/1", 422],
    ["/v1/streams/compute/difference?version=1&from=compute", 400],
    ["/v1/streams/compute/difference?version=1&from=other/1", 422],
  ] as const)
    assert.equal((await site.ask(path)).status, status, path);
});

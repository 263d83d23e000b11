import assert from "node:assert/strict";
import { test } from "node:test";
import { parseObjectMirror, spreadMirrors } from "./object-mirror.ts";

test("addresses, ports and paths of mirrors", () => {
  const rows: readonly (readonly [url: string, mirror: ReturnType<typeof parseObjectMirror>])[] = [
    ["http://10.0.0.5", { address: "10.0.0.5", port: 80, path: "" }],
    ["http://10.0.0.5:8080/", { address: "10.0.0.5", port: 8080, path: "" }],
    ["http://10.0.0.5:8080/birther/a/", { address: "10.0.0.5", port: 8080, path: "/birther/a" }],
    ["http://cache.example.org", undefined],
    ["https://10.0.0.5", undefined],
    ["http://10.0.0.256", undefined],
    ["http://10.0.0.5:0", undefined],
    ["http://10.0.0.5:70000", undefined],
    ["http://10.0.0.5/a b", undefined],
    ["http://10.0.0.5/a?b", undefined],
    ["http://user@10.0.0.5/", undefined],
  ];
  for (const [url, mirror] of rows) assert.deepEqual(parseObjectMirror(url), mirror, url);
});

test("each machine has all mirrors, and each mirror is the first of many machines", () => {
  const mirrors = [1, 2, 3].map((n) => ({ address: `10.0.0.${n}`, port: 80, path: n === 2 ? "/p" : "" }));
  const firsts = new Map<string, number>();
  for (let n = 0; n < 300; n += 1) {
    const order = spreadMirrors(mirrors, `m-5254000000${n}`);
    assert.deepEqual(new Set(order.map(({ address }) => address)), new Set(mirrors.map(({ address }) => address)));
    const first = order[0]?.address ?? "";
    firsts.set(first, (firsts.get(first) ?? 0) + 1);
  }
  assert.equal(firsts.size, 3);
  for (const count of firsts.values()) assert.ok(count > 60, `expected about 100 machines, found ${count}`);
  assert.deepEqual(spreadMirrors([], "m-1"), []);
  assert.deepEqual(spreadMirrors(mirrors.slice(1, 2), "m-1"), [{ address: "10.0.0.2", port: 80, path: "/p" }]);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { machineConnectionLimit, openConnections } from "./connections.ts";

test("an address has as many connections as it may, and gets others when they end", () => {
  const connections = openConnections<number>({ perAddress: 2, total: () => 100, drop: () => assert.fail() });
  assert.deepEqual(
    [1, 2, 3].map((n) => connections.begin("a", n)),
    [true, true, false],
  );
  connections.end("a", 3);
  assert.equal(connections.begin("a", 4), false, "the end of one that was not counted changes nothing");
  connections.end("a", 1);
  assert.equal(connections.begin("a", 5), true);
});

test("beyond the total the address with the most connections loses its oldest, and nobody is kept out", () => {
  const dropped: string[] = [];
  const connections = openConnections<string>({ perAddress: 5, total: () => 10, drop: (each) => dropped.push(each) });
  assert.ok(connections.begin("operator", "operator 1"));
  for (let n = 1; n <= 5; n += 1) for (const address of ["a", "b"]) connections.begin(address, `${address} ${n}`);
  for (let n = 1; n <= 20; n += 1) assert.ok(connections.begin(`stranger ${n}`, `stranger ${n}`));
  assert.equal(dropped.length, 21);
  assert.deepEqual(dropped.slice(0, 3), ["a 1", "b 1", "a 2"]);
  const others = dropped.filter((each) => !/^[ab] /.test(each));
  assert.ok(others.length > 0, "with one connection each, the oldest goes");
});

test("the connections are those that began and did not end, in whatever order", () => {
  const open = new Map<number, string>();
  const drop = (each: number) => assert.ok(open.delete(each), "one that is open");
  const connections = openConnections<number>({ perAddress: 4, total: () => 12, drop });
  let state = 7;
  const draw = (below: number) => {
    state = (state * 48_271) % 2_147_483_647;
    return state % below;
  };
  for (let n = 0; n < 5000; n += 1) {
    const [other, address] = [[...open][draw(12)], `a${draw(9)}`];
    if (draw(3) === 0 && other !== undefined) {
      open.delete(other[0]);
      connections.end(other[1], other[0]);
    } else {
      const sizes = [...open.values()].filter((each) => each === address).length;
      assert.equal(connections.begin(address, n), sizes < 4, `${n}`);
      if (sizes < 4) open.set(n, address);
    }
    assert.ok(open.size <= 12);
  }
});

test("a port of machines has room for two connections of each", () => {
  assert.deepEqual([10, 100_000].map(machineConnectionLimit), [16_384, 200_000]);
});

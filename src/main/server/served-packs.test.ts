import assert from "node:assert/strict";
import { test } from "node:test";
import type { MachineId } from "../../core/machine/record.ts";
import { servedPacks } from "./served-packs.ts";

const id = "m-525400b10001" as MachineId;
const config = {
  objectMirrors: [{ address: "10.0.0.5", port: 8080, path: "" }],
  ports: { http: 80, machines: 443, images: 8088, confidential: 8444, operators: 8443 },
};

function serversFor(is: { readonly served: boolean; readonly confidential?: true }) {
  const servedBy = () => (is.served ? ("nginx" as const) : undefined);
  const packs = servedPacks(config, {
    ...{ find: () => () => undefined, images: { servedBy }, confidential: { servedBy } },
  });
  return packs.serversFor(id, is.confidential === true ? { confidential: true } : {});
}

const mirror = { address: "10.0.0.5", port: 8080 };

test("of a public image, the mirrors and our own port", () => {
  assert.deepEqual(serversFor({ served: true }), { sources: [mirror, { port: 8088 }] });
  assert.deepEqual(serversFor({ served: false }), { sources: [mirror] });
});

test("of a confidential image only our own port over TLS, and no mirror", () => {
  assert.deepEqual(serversFor({ served: true, confidential: true }), {
    sources: [],
    confidential: { port: 8444, hasPacks: true },
  });
  assert.deepEqual(serversFor({ served: false, confidential: true }), {
    sources: [],
    confidential: { port: 443, hasPacks: false },
  });
});

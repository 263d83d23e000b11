import assert from "node:assert/strict";
import { test } from "node:test";
import type { ImageSummary } from "../manifest.ts";
import { type CopyStep, copySteps } from "./copy-steps.ts";
import { type HeldImage, heldImage } from "./held-image.ts";

const [self, other] = ["10.0.0.1:443", "10.0.0.2:443"];

function summary(name: string, hash: string, facts: Partial<ImageSummary> = {}): ImageSummary {
  const manifest = { sha512: hash.repeat(128), size: 10 };
  return {
    ...{ name, createdAtMs: 1, source: "/src", filter: [], manifest, entries: 3, bytes: 9, lacks: [] },
    ...facts,
  };
}

const one = summary("compute/1", "a");
const recordOf = (...servers: string[]): HeldImage => heldImage(one, servers);
const brief = (step: CopyStep) =>
  step.kind === "record" ? `record ${step.held.name} ${step.held.servers.join("+")}` : step.kind;

const trials: readonly {
  readonly title: string;
  readonly recorded?: readonly HeldImage[];
  readonly here?: readonly ImageSummary[];
  readonly unreadable?: readonly string[];
  readonly steps: readonly string[];
}[] = [
  { title: "nothing anywhere", steps: [] },
  { title: "a first import is recorded", here: [one], steps: ["record compute/1 10.0.0.1:443"] },
  { title: "a known image", recorded: [recordOf(self)], here: [one], steps: [] },
  { title: "an image of another server is copied", recorded: [recordOf(other)], steps: ["copy"] },
  {
    title: "a copied image is recorded",
    recorded: [recordOf(other)],
    here: [one],
    steps: ["record compute/1 10.0.0.2:443+10.0.0.1:443"],
  },
  {
    title: "an image that is gone here is withdrawn and copied again",
    recorded: [recordOf(self, other)],
    steps: ["record compute/1 10.0.0.2:443", "copy"],
  },
  {
    title: "an image that only this server had is lost",
    recorded: [recordOf(self)],
    steps: ["record compute/1 ", "lost"],
  },
  {
    title: "an import under the name of a lost image gets another one",
    recorded: [recordOf()],
    here: [summary("compute/1", "b")],
    steps: ["rename"],
  },
  {
    title: "a lost image that is here again is recorded",
    recorded: [recordOf()],
    here: [one],
    steps: ["record compute/1 10.0.0.1:443"],
  },
  {
    title: "an image that an operator removed is removed here, and not copied or missed",
    recorded: [{ ...recordOf(other), removed: true }],
    here: [one],
    steps: ["remove"],
  },
  { title: "a removed image is not copied", recorded: [{ ...recordOf(other), removed: true }], steps: [] },
  {
    title: "an import under the name of a removed image gets another one",
    recorded: [{ ...recordOf(), removed: true }],
    here: [summary("compute/1", "b")],
    steps: ["rename"],
  },
  {
    title: "something else has the name here",
    recorded: [recordOf(other)],
    here: [summary("compute/1", "b")],
    steps: ["copy instead"],
  },
  {
    title: "a manifest that cannot be read is replaced",
    recorded: [recordOf(self, other)],
    unreadable: ["compute/1"],
    steps: ["record compute/1 10.0.0.2:443", "copy instead"],
  },
];

for (const { title, recorded = [], here = [], unreadable = [], steps } of trials) {
  test(title, () => {
    const found = copySteps({ recorded, here, unreadable, self });
    const shown = found.map((step) => (step.kind === "copy" && step.instead === true ? "copy instead" : brief(step)));
    assert.deepEqual(shown, steps);
    for (const step of found) if (step.kind === "copy") assert.ok(!step.held.servers.includes(self));
  });
}

test("a record says that an image is confidential", () => {
  assert.equal(heldImage(summary("compute/1", "a", { confidential: true }), [self]).confidential, true);
});

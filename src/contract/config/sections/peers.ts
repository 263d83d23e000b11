import * as v from "valibot";
import { optional, withDefault } from "../entry.ts";
import { count, yesOrNo } from "../values.ts";

const megabits = count("a whole number of megabits per second", 1, 1_000_000);

/** Whether machines fetch images from each other, and how much of their links they give. */
export const peers = withDefault(
  v.strictObject({
    enabled: withDefault(
      yesOrNo,
      true,
      "Whether machines fetch system images from each other, so that an image crosses the uplink of a rack about once. If false, every machine fetches from a server. Confidential images always come from a server.",
    ),
    uploadMbps: optional(
      megabits,
      "How much a machine that runs a workload sends to others at most. Without this key: 5 % of its link. A machine that is being born has no limit.",
    ),
    rackUplinkMbps: optional(
      megabits,
      "How much leaves a rack at most for machines of other racks. Machines of other racks are asked only while the server has a queue, and one machine of a rack at a time sends to them. Without this key: the limit of that machine.",
    ),
  }),
  {},
  "How machines pass system images on to each other (docs/images.md).",
);

import type { FigureOutlier } from "../../core/fleet/burn-in-figures.ts";
import { phases } from "../../core/machine/phase.ts";
import type { Row } from "../data/row.ts";

/** What the colour of a slot says. */
export const colourings = ["phase", "burn-in", "image", "age"] as const;
export type Colouring = (typeof colourings)[number];

/** The stages of a birth, each with a colour: a few that everyone tells apart, in place of one for each phase. */
const stages = ["none", "boot", "init", "burnIn", "install", "image", "up"] as const;

const stageOfPhase: { readonly [P in (typeof phases)[number]]: (typeof stages)[number] } = {
  ...{ offered: "boot", loaderSent: "boot", kernelSent: "boot", initUp: "init", burnIn: "burnIn" },
  ...{ placed: "install", keysMade: "install", partitioned: "install", populated: "install", handedOver: "install" },
  ...{ fetching: "image", updating: "image", rebooting: "image", up: "up" },
};

/** A colour by the name of its token in the style sheet, and what it stands for. */
export type Legend = readonly { readonly token: string; readonly text: string }[];

/** What the colours mean; `images` are those of the fleet, the most frequent first. */
export function legendOf(colouring: Colouring, images: readonly string[]): Legend {
  switch (colouring) {
    case "phase":
      return [
        { token: "none", text: "not begun" },
        { token: "boot", text: "boot" },
        { token: "init", text: "init" },
        { token: "burnIn", text: "burn-in" },
        { token: "install", text: "installing" },
        { token: "image", text: "image" },
        { token: "up", text: "up" },
      ];
    case "burn-in":
      return [
        { token: "up", text: "as its siblings" },
        { token: "burnIn", text: "3.5 deviations from them" },
        { token: "image", text: "7 deviations" },
        { token: "none", text: "no figures" },
      ];
    case "image":
      return [
        ...imageTokens.slice(0, images.length).map((token, at) => ({ token, text: images[at] ?? "" })),
        ...(images.length > imageTokens.length ? [{ token: "boot", text: "other images" }] : []),
        { token: "none", text: "none" },
      ];
    case "age":
      return ageSteps.map(({ token, text }) => ({ token, text }));
  }
}

const imageTokens = ["up", "init", "burnIn", "install", "image"] as const;

const ageSteps = [
  { token: "init", belowMs: 60_000, text: "in its phase for less than 1 min" },
  { token: "install", belowMs: 300_000, text: "5 min" },
  { token: "burnIn", belowMs: 900_000, text: "15 min" },
  { token: "image", belowMs: Number.POSITIVE_INFINITY, text: "longer" },
  { token: "up", belowMs: 0, text: "up" },
] as const;

/** What colours depend on besides the row. */
export type ColourContext = {
  readonly nowMs: number;
  /** The images of the fleet, the most frequent first. */
  readonly images: readonly string[];
  /** The greatest score of each machine that is far from its siblings; undefined until the figures are there. */
  readonly scores: ReadonlyMap<string, number> | undefined;
};

/** The colour of a slot, as the name of its token. */
export function colourOf(row: Row, colouring: Colouring, { nowMs, images, scores }: ColourContext): string {
  switch (colouring) {
    case "phase":
      return row.phase === undefined ? "none" : stageOfPhase[row.phase];
    case "image": {
      const at = row.image === undefined ? -1 : images.indexOf(row.image);
      return row.image === undefined ? "none" : (imageTokens[at] ?? "boot");
    }
    case "burn-in": {
      if (scores === undefined || row.phase === undefined || phases.indexOf(row.phase) <= phases.indexOf("burnIn"))
        return "none";
      const score = scores.get(row.name) ?? 0;
      return score >= 7 ? "image" : score >= 3.5 ? "burnIn" : "up";
    }
    case "age": {
      if (row.status === "up") return "up";
      const ageMs = nowMs - (row.phaseAtMs ?? nowMs);
      return ageSteps.find(({ belowMs }) => ageMs < belowMs)?.token ?? "image";
    }
  }
}

/** The greatest score of each machine, whatever the figure. */
export function scoresOf(outliers: Iterable<FigureOutlier>): ReadonlyMap<string, number> {
  const scores = new Map<string, number>();
  for (const { name, score } of outliers) scores.set(name, Math.max(scores.get(name) ?? 0, Math.abs(score)));
  return scores;
}

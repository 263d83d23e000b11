import * as erasures from "../answers/erasure.ts";
import {
  collectedAnswer,
  differenceAnswer,
  imageDetailsAnswer,
  imagesAnswer,
  removedAnswer,
  streamAnswer,
  streamsAnswer,
} from "../answers/image.ts";
import { changeAnswer } from "../answers/machine.ts";
import { networksAnswer, quirksAnswer } from "../answers/network.ts";
import { checkAnswer, notedAnswer } from "../answers/server.ts";
import { changesQuery, erasuresQuery } from "../requests/history.ts";
import { collectBody, differenceQuery, importBody, promoteBody, removeBody, versionQuery } from "../requests/image.ts";
import { emptyBody, noQuery } from "../requests/values.ts";
import type { Routes } from "./route.ts";

/** Networks, images and changes of the whole fleet. */
export const siteRoutes = {
  networks: {
    method: "GET",
    path: "/v1/networks",
    role: "viewer",
    says: "the networks: pools, declined addresses, counters",
    query: noQuery,
    answer: networksAnswer,
  },
  quirks: {
    method: "GET",
    path: "/v1/quirks",
    role: "viewer",
    says: "what was learned about the firmware of models",
    query: noQuery,
    answer: quirksAnswer,
  },
  erasures: {
    method: "GET",
    path: "/v1/erasures",
    role: "viewer",
    says: "what was erased on which disk, signed by the authority, newest first; also of retired machines",
    query: erasuresQuery,
    answer: erasures.erasuresAnswer,
  },
  erasure: {
    method: "GET",
    path: "/v1/erasures/:name",
    role: "viewer",
    says: "one erasure, by its id",
    query: noQuery,
    answer: erasures.erasureAnswer,
  },
  images: {
    method: "GET",
    path: "/v1/images",
    role: "viewer",
    says: "the system images that can be required",
    query: noQuery,
    answer: imagesAnswer,
  },
  noteImport: {
    method: "POST",
    path: "/v1/imports",
    role: "operator",
    says: "tell how far an import of a system image is; `birther image import` does so each second; kept in memory only",
    query: noQuery,
    body: importBody,
    answer: notedAnswer,
  },
  streams: {
    method: "GET",
    path: "/v1/streams",
    role: "viewer",
    says: "the streams of images: current versions, and promotions under way",
    query: noQuery,
    answer: streamsAnswer,
  },
  image: {
    method: "GET",
    path: "/v1/streams/:name/image",
    role: "viewer",
    says: "one version of a stream: what it consists of, and which machines require or run it",
    query: versionQuery,
    answer: imageDetailsAnswer,
  },
  difference: {
    method: "GET",
    path: "/v1/streams/:name/difference",
    role: "viewer",
    says: "the paths in which a version of a stream differs from another image",
    query: differenceQuery,
    answer: differenceAnswer,
  },
  removeImage: {
    method: "POST",
    path: "/v1/streams/:name/remove",
    role: "operator",
    says: "remove a version that no machine requires or runs, and that is neither current nor promoted; its name is not used again",
    query: noQuery,
    body: removeBody,
    answer: removedAnswer,
  },
  collectImages: {
    method: "POST",
    path: "/v1/images/collect",
    role: "operator",
    says: "remove the contents on this server that no image and no agent needs",
    query: noQuery,
    body: collectBody,
    answer: collectedAnswer,
  },
  promote: {
    method: "POST",
    path: "/v1/streams/:name/promote",
    role: "operator",
    says: "give a version of a stream to one machine first; with `all`, once that machine is up, make it current for all",
    query: noQuery,
    body: promoteBody,
    answer: streamAnswer,
  },
  rollback: {
    method: "POST",
    path: "/v1/streams/:name/rollback",
    role: "operator",
    says: "return the first machine of a promotion; without one, make the version before the current one current again",
    query: noQuery,
    body: emptyBody,
    answer: streamAnswer,
  },
  check: {
    method: "GET",
    path: "/v1/check",
    role: "viewer",
    says: "inconsistencies in the fleet",
    query: noQuery,
    answer: checkAnswer,
  },
  changes: {
    method: "GET",
    path: "/v1/changes",
    role: "viewer",
    says:
      "every change as it happens, as server-sent events: first `position`, the start of the feed, then `change` with its position as id; " +
      "`reset` if the requested position is no longer available: list the machines again and continue from there",
    query: changesQuery,
    headers: [
      { name: "Last-Event-ID", says: "send only changes after this position; a browser's EventSource sets it" },
    ],
    answer: changeAnswer,
    answerType: "text/event-stream",
  },
} as const satisfies Routes;

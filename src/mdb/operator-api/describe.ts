import type { Context } from "hono";
import { viewMachine } from "../../contract/operator/views.ts";
import { isAvailable } from "../../core/image/image-name.ts";
import type { Decision } from "../../core/machine/event.ts";
import { announcedId } from "../../core/machine/life/details.ts";
import { answerJson } from "../http/json-answer.ts";
import { faultAnswer, refusalAnswer } from "../http/problem.ts";
import { demandedRevision, entityTag } from "./entity-tag.ts";
import { type Handlers, type OperatorDeps, type RouteRequest, withMachine } from "./handler.ts";

/** The routes by which operators describe machines. */
export const describeHandlers: Handlers<"create" | "set" | "takeover"> = { create, set, takeover };

async function create({ c, deps, caller, body }: RouteRequest<"create">): Promise<Response> {
  const id = announcedId(body.macs, body.place);
  if (id === undefined)
    throw new Error("creating a machine: expected a MAC address or a slot from the schema, found neither");
  const unknown = await unknownImage(c, deps, body.requiredImage);
  if (unknown !== undefined) return unknown;
  const by = caller.name;
  return written(c, await deps.store.apply({ kind: "machineCreated", id, by, ...body }, { by }), 201);
}

function set(request: RouteRequest<"set">): Response | Promise<Response> {
  const { c, deps, caller, body } = request;
  return withMachine(request, async (machine) => {
    const expected = demandedRevision(c, machine);
    if (expected.kind === "refused") return expected.response;
    const unknown = await unknownImage(c, deps, body.requiredImage);
    if (unknown !== undefined) return unknown;
    const by = caller.name;
    const options = expected.value === undefined ? { by } : { by, expectRevision: expected.value };
    return written(c, await deps.store.apply({ kind: "detailsSet", id: machine.id, by, details: body }, options));
  });
}

function takeover(request: RouteRequest<"takeover">): Response | Promise<Response> {
  const { c, deps, caller, body } = request;
  return withMachine(request, async ({ id }) => {
    const from = deps.store.find(body.from);
    if (from === undefined) {
      const message = `from: no machine has the name, id, address or MAC address ${body.from.slice(0, 100)}`;
      return refusalAnswer(c, { kind: "noSuchMachine", message, next: "to list all machines, run birther machines" });
    }
    const by = caller.name;
    return written(c, await deps.store.apply({ kind: "takeoverAuthorised", id, from: from.id, by }, { by }));
  });
}

/** Refuses a required image that does not exist, because the machine would wait for it forever. */
async function unknownImage(
  c: Context,
  { images }: OperatorDeps,
  wanted: string | null | undefined,
): Promise<Response | undefined> {
  if (wanted === undefined || wanted === null) return undefined;
  const names = (await images()).map(({ name }) => name);
  if (isAvailable(wanted, names)) return undefined;
  const known = names.length === 0 ? "there are no images" : `existing images: ${names.slice(-10).join(", ")}`;
  const detail = `requiredImage: expected an existing image, found ${wanted}; ${known}`;
  return faultAnswer(
    c,
    "noSuchImage",
    detail,
    "to list the images, run birther image list; to add one, run birther image import",
  );
}

function written(c: Context, decision: Decision, status: 200 | 201 = 200): Response {
  if (decision.kind === "refused") return refusalAnswer(c, decision.refusal);
  const { machine } = decision;
  const location = status === 201 ? { location: `/v1/machines/${machine.id}` } : {};
  return answerJson(c, viewMachine(machine), { status, headers: { etag: entityTag(machine), ...location } });
}

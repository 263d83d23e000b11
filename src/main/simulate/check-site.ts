import { failure } from "../../cli/api/failure.ts";
import type { Config } from "../../contract/config/schema.ts";
import { othersUpdate } from "../../contract/config/updates.ts";
import { counted } from "../../core/bytes/counted.ts";
import { isStreamName } from "../../core/image/image-name.ts";
import type { Network } from "../../core/network/network.ts";
import { checkPlan, type PlanFault, planSlots, type SlotArea, slotLimit } from "../../core/site/site-plan.ts";
import type { Scenario } from "../../fleet/scenario.ts";

/**
 * Refuses what the simulation cannot show, or would show only after hours of virtual time in which no machine is up: each error
 * says what to do. Returns warnings.
 */
export function checkSite(
  configs: readonly Config[],
  { scenario, areas }: { readonly scenario: Scenario; readonly areas: readonly SlotArea[] },
): readonly string[] {
  const [config] = configs;
  if (config === undefined) return [];
  checkNurseries(config);
  checkSources(config);
  checkSlots(configs, areas);
  checkRollout(config, scenario);
  const machines = scenario.racks * scenario.machines;
  if (config.maxMachines < machines)
    throw failure(
      "misused",
      `maxMachines: expected at least ${machines}, the machines of the simulation, found ${config.maxMachines}`,
      "servers ignore further machines: raise it, or simulate fewer (--racks, --machines)",
    );
  return poolWarnings(config, scenario);
}

/** Simulated machines are born on networks where the servers lease the addresses. */
function checkNurseries({ networks }: Config): void {
  const nurseries = networks.filter(({ nursery }) => nursery);
  if (nurseries.length === 0)
    throw failure(
      "misused",
      "networks: expected one with nursery: true, found none",
      "no unknown machine is born without one: set nursery: true for the network that they boot from",
    );
  const other = nurseries.find(({ mode }) => mode !== "full");
  if (other === undefined) return;
  const why =
    other.mode === "listen"
      ? "in mode listen the servers answer nothing, so no machine is born"
      : "the other DHCP server is not simulated";
  throw failure(
    "misused",
    `network ${other.name}: expected mode full, found ${other.mode}: ${why}`,
    "simulate a copy of the configuration with mode: full for this network",
  );
}

/** Simulated machines hear LLDP, and nothing else tells their places. */
function checkSources({ placement: { rules } }: Config): void {
  const sources = new Set(rules.flatMap(({ source }) => source ?? "lldp"));
  if (sources.size === 0 || sources.has("lldp")) return;
  throw failure(
    "misused",
    `placement.rules: expected one about LLDP, the only source that is simulated, found ${[...sources].join(" and ")}`,
    "simulate a copy of the configuration whose rules have no `source`",
  );
}

const namesAdvice =
  "name switches and ports as the placement rules expect (--switch, --port), or list the slots in the configuration (site), " +
  "also where units count by more than one; simulated switches send the port as the name of an interface";
const advice: { readonly [Kind in PlanFault["kind"]]: string } = {
  unplaced: namesAdvice,
  nameTwice: "correct hostname of the placement rule, or simulate fewer racks or machines (--racks, --machines)",
  addressTwice: "correct address of the placement rule, or simulate fewer machines of a rack (--machines)",
  addressUnusable:
    "simulate as many racks and machines as the network has room for (--racks, --machines), or correct the prefix or the placement rule",
};

/** Every simulated slot must have a place that a machine can keep: otherwise the births there fail for the same reason. */
function checkSlots(configs: readonly Config[], areas: readonly SlotArea[]): void {
  const slots = areas.reduce((sum, { racks, units }) => sum + racks.length * units.length, 0);
  // Beyond what a plan may have, the first and the last rack stand for all.
  const checked = slots > slotLimit ? [...areas.slice(0, 1), ...areas.slice(-1)] : areas;
  const planned = planSlots(checked, configs[0]?.placement.rules ?? []);
  const [fault] = configs.flatMap(({ networks }) => checkPlan(planned, networks));
  if (fault !== undefined) throw failure("misused", fault.example, advice[fault.kind]);
}

/** A rollout needs machines that work, others that are born, and a stream that this Dominator updates. */
function checkRollout(config: Config, { rollout, racks }: Scenario): void {
  if (rollout === undefined) return;
  if (rollout.racks >= racks)
    throw failure(
      "misused",
      `--rollout: expected fewer racks than --racks ${racks}, found ${rollout.racks}`,
      "the other racks are born meanwhile: correct one of the options",
    );
  const next = "leave out --rollout, or simulate another configuration";
  if (othersUpdate(config))
    throw failure("misused", "--rollout: an external Dominator updates the machines of this site", next);
  if (!config.images.some(({ image }) => isStreamName(image)))
    throw failure("misused", "--rollout: no image rule names a stream of images, so no version can be promoted", next);
}

/** Networks with fewer temporary addresses than machines: some wait until others have theirs back. */
function poolWarnings({ networks }: Config, { racks, machines }: Scenario): readonly string[] {
  const nurseries = networks.filter(({ nursery }) => nursery);
  return nurseries.flatMap(({ name, temporaryPool: { first, last } }, nth) => {
    const born = machines * racksOn(nurseries, { nth, racks });
    const addresses = last - first + 1;
    return addresses >= born
      ? []
      : [
          `network ${name}: ${counted(born, "machine")} with ${counted(addresses, "temporary address", "temporary addresses")} ` +
            "(temporaryPool): some wait until others' addresses are free again",
        ];
  });
}

/** Racks are spread evenly over the nurseries, one after the other. */
function racksOn(nurseries: readonly Network[], { nth, racks }: { readonly nth: number; readonly racks: number }) {
  return Math.ceil((racks - nth) / nurseries.length);
}

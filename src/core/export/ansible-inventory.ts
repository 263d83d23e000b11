import { plainText } from "../bytes/plain-text.ts";
import { followedStream } from "../image/stream/image-stream.ts";
import { conditionOf } from "../machine/life/move.ts";
import type { Machine } from "../machine/record.ts";
import { formatIpv4 } from "../net/ipv4.ts";
import { locationPath } from "./location-path.ts";

/**
 * A text from a machine, a switch or an operator. Ansible would evaluate `{{ … }}` in an ordinary string wherever it is
 * used; this form, which its JSON decoder knows (ansible-core, parsing/ajson.py), it takes as it is.
 */
export type UnsafeText = { readonly __ansible_unsafe: string };

/** What Ansible learns of a machine: its address, and our facts under names that no other source uses. */
export type AnsibleHost = {
  readonly ansible_host?: string;
  readonly birther_id: string;
  readonly birther_state: string;
  readonly birther_phase?: string;
  readonly birther_conditions: readonly string[];
  readonly birther_macs: readonly string[];
  readonly birther_image?: UnsafeText;
  readonly birther_running_image?: UnsafeText;
  readonly birther_tags: { readonly [name: string]: UnsafeText };
  readonly birther_owner_groups: readonly UnsafeText[];
  readonly birther_position: { readonly [group: string]: UnsafeText };
  readonly birther_switch?: UnsafeText;
  readonly birther_switch_port?: UnsafeText;
  readonly birther_vendor?: UnsafeText;
  readonly birther_product?: UnsafeText;
  readonly birther_serial?: UnsafeText;
};

/** The facts of one machine. */
export function ansibleHost(machine: Machine): AnsibleHost {
  const { placement, smbios } = machine;
  const address = machine.permanentAddress;
  return {
    ...(address === undefined ? {} : { ansible_host: formatIpv4(address) }),
    birther_id: machine.id,
    birther_state: machine.state,
    ...(machine.phase === undefined ? {} : { birther_phase: machine.phase }),
    birther_conditions: machine.conditions.map(({ kind }) => kind),
    birther_macs: machine.macs,
    ...(machine.requiredImage === undefined ? {} : { birther_image: unsafe(machine.requiredImage) }),
    ...(machine.runningImage === undefined ? {} : { birther_running_image: unsafe(machine.runningImage) }),
    birther_tags: eachUnsafe(machine.tags ?? {}),
    birther_owner_groups: (machine.groups ?? []).map(unsafe),
    birther_position: eachUnsafe(placement?.position ?? {}),
    ...(placement === undefined
      ? {}
      : { birther_switch: unsafe(placement.switchName), birther_switch_port: unsafe(placement.port) }),
    ...(smbios === undefined
      ? {}
      : {
          birther_vendor: unsafe(smbios.vendor),
          birther_product: unsafe(smbios.product),
          birther_serial: unsafe(smbios.serial),
        }),
  };
}

function unsafe(text: string): UnsafeText {
  return { __ansible_unsafe: plainText(text) };
}

function eachUnsafe(texts: { readonly [name: string]: string }): { readonly [name: string]: UnsafeText } {
  return Object.fromEntries(Object.entries(texts).map(([name, text]) => [keyOf(name), unsafe(text)]));
}

/** A key cannot be marked as unsafe: what Jinja would take for a template or a comment loses its brace. */
function keyOf(name: string): string {
  return plainText(name).replace(/\{(?=[{%#])/g, "\ufffd");
}

/** Ansible cannot reach a machine without a name, and a retired one is gone. */
function isInInventory(machine: Machine): machine is Machine & { readonly hostname: string } {
  return machine.hostname !== undefined && conditionOf(machine, "retired") === undefined;
}

/**
 * The inventory of all machines that have a name and are not retired, as Ansible's `script` inventory plugin reads it
 * from `--list`: JSON text in parts, one machine per part. `all` contains every group.
 */
export function* ansibleInventory(machines: Iterable<Machine>): Generator<string, void, undefined> {
  const groups = new Map<string, string[]>();
  let comma = "";
  yield '{"_meta":{"hostvars":{';
  for (const machine of machines) {
    if (!isInInventory(machine)) continue;
    for (const name of new Set(groupsOf(machine))) {
      const group = groups.get(name);
      if (group === undefined) groups.set(name, [machine.hostname]);
      else group.push(machine.hostname);
    }
    yield `${comma}${JSON.stringify(machine.hostname)}:${JSON.stringify(ansibleHost(machine))}`;
    comma = ",";
  }
  const names = [...groups.keys()].sort();
  yield `}},"all":${JSON.stringify({ children: [...names, "ungrouped"] })}`;
  for (const name of names) yield* groupText(name, groups.get(name) ?? []);
  yield "}\n";
}

/** One host at a time, because a group may contain the whole fleet. */
function* groupText(name: string, hosts: readonly string[]): Generator<string, void, undefined> {
  let before = `,${JSON.stringify(name)}:{"hosts":[`;
  for (const host of hosts) {
    yield before + JSON.stringify(host);
    before = ",";
  }
  yield hosts.length === 0 ? `${before}]}` : "]}";
}

/** The groups of a machine: by state, condition, owner, tags, location, rack and image. */
function groupsOf(machine: Machine): string[] {
  const location = locationPath(machine);
  const rack = machine.placement?.position.rack;
  return [
    groupName("state", machine.state),
    ...machine.conditions.map(({ kind }) => groupName("condition", kind)),
    ...(machine.groups ?? []).map((group) => groupName("owner", group)),
    ...Object.entries(machine.tags ?? {}).map(([name, value]) => groupName("tag", `${name}_${value}`)),
    ...(location === undefined ? [] : [groupName("location", location)]),
    ...(rack === undefined ? [] : [groupName("rack", rack)]),
    ...(machine.requiredImage === undefined
      ? []
      : [groupName("image", followedStream(machine) ?? machine.requiredImage)]),
  ];
}

/** Names of groups contain only letters, digits and `_`; Ansible warns of others (TRANSFORM_INVALID_GROUP_CHARS). */
function groupName(kind: string, value: string): string {
  return `${kind}_${value.replace(/[^A-Za-z0-9_]/g, "_")}`;
}

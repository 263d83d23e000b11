import { conditionOf, nameOf } from "../machine/life/move.ts";
import type { Machine } from "../machine/record.ts";
import type { MachineState } from "../machine/state.ts";
import { writeCsv } from "./csv.ts";

/** What NetBox needs and no machine reports. */
export type NetboxSite = {
  /** The name of the site in NetBox. */
  readonly site: string;
  /** The name of the device role. */
  readonly role: string;
  /** NetBox up to 4.1 reads the MAC address from a column of the interface; later versions from `mac-addresses`. */
  readonly macColumn: boolean;
};

type Row = readonly (string | number)[];
type Table = {
  readonly columns: readonly string[];
  readonly rowsOf: (machine: Machine) => readonly Row[];
  /** Whether several machines share rows. */
  readonly shared?: true;
};

/** The tables in the order in which NetBox must import them: each refers to earlier ones. */
export const netboxTables = [
  "manufacturers",
  "device-types",
  "racks",
  "tags",
  "devices",
  "interfaces",
  "mac-addresses",
] as const;
export type NetboxTable = (typeof netboxTables)[number];

/**
 * A table of NetBox's bulk import (`netbox/dcim/forms/bulk_import.py`) as CSV. Column names are those of NetBox 3.6 and
 * later; site and role must exist.
 */
export function netboxCsv(
  table: NetboxTable,
  machines: Iterable<Machine>,
  site: NetboxSite,
): Generator<string, void, undefined> {
  const { columns, rowsOf, shared } = tables[table](site);
  return writeCsv(columns, shared === true ? rowsOnce(machines, rowsOf) : eachRow(machines, rowsOf));
}

function* eachRow(machines: Iterable<Machine>, rowsOf: Table["rowsOf"]): Generator<Row, void, undefined> {
  for (const machine of machines) yield* rowsOf(machine);
}

/** A repeated row is left out, because many machines have the same type and rack. */
function* rowsOnce(machines: Iterable<Machine>, rowsOf: Table["rowsOf"]): Generator<Row, void, undefined> {
  const seen = new Set<string>();
  for (const machine of machines) {
    for (const row of rowsOf(machine)) {
      const key = row.join("\0");
      if (seen.has(key)) continue;
      seen.add(key);
      yield row;
    }
  }
}

/** NetBox requires a manufacturer and a type even if SMBIOS has none. */
const unknown = "Unknown";

const tables: { readonly [T in NetboxTable]: (site: NetboxSite) => Table } = {
  manufacturers: () => ({
    columns: ["name", "slug"],
    shared: true,
    rowsOf: (machine) => [[vendorOf(machine), slug(vendorOf(machine))]],
  }),
  "device-types": () => ({
    columns: ["manufacturer", "model", "slug", "u_height"],
    shared: true,
    rowsOf: (machine) => {
      const [vendor, product] = [vendorOf(machine), productOf(machine)];
      return [[vendor, product, slug(`${vendor} ${product}`), 1]];
    },
  }),
  racks: ({ site }) => ({
    columns: ["site", "name", "status", "width", "u_height"],
    shared: true,
    rowsOf: (machine) => (rackOf(machine) === "" ? [] : [[site, rackOf(machine), "active", 19, 42]]),
  }),
  tags: () => ({
    columns: ["name", "slug"],
    shared: true,
    rowsOf: (machine) => tagsOf(machine).map((tag) => [tag, slug(tag)]),
  }),
  devices: ({ site, role }) => ({
    columns: deviceColumns,
    rowsOf: (machine) => {
      const [rack, position] = [rackOf(machine), unitOf(machine)];
      const place = [site, rack, rack === "" ? "" : position, rack === "" || position === "" ? "" : "front"];
      const model = [vendorOf(machine), productOf(machine), machine.smbios?.serial ?? ""];
      // One field for all, which NetBox splits at commas.
      const tags = tagsOf(machine).map(slug).join(",");
      return [[nameOf(machine), role, ...model, statusOf(machine), ...place, tags]];
    },
  }),
  interfaces: ({ macColumn }) => ({
    columns: ["device", "name", "type", "speed", "enabled", "description", ...(macColumn ? ["mac_address"] : [])],
    rowsOf: (machine) =>
      nicsOf(machine).map(({ name, mac, speedMbps, driver }) => [
        // The medium is unknown, because a driver does not distinguish copper from fibre.
        ...[nameOf(machine), name, "other", speedMbps > 0 ? speedMbps * 1000 : "", "true", driver],
        ...(macColumn ? [mac.toUpperCase()] : []),
      ]),
  }),
  "mac-addresses": () => ({
    columns: ["mac_address", "device", "interface"],
    rowsOf: (machine) => nicsOf(machine).map(({ name, mac }) => [mac.toUpperCase(), nameOf(machine), name]),
  }),
};

const deviceColumns = [
  ...["name", "role", "manufacturer", "device_type", "serial", "status"],
  ...["site", "rack", "position", "face", "tags"],
];

const statuses: { readonly [S in MachineState]: string } = {
  unknown: "inventory",
  birth: "staged",
  healthy: "active",
  rebirth: "staged",
  clean: "staged",
};

function statusOf(machine: Machine): string {
  if (conditionOf(machine, "retired") !== undefined) return "decommissioning";
  return conditionOf(machine, "failing") === undefined ? statuses[machine.state] : "failed";
}

/** NetBox's tags have no values, so a label becomes one word; owner groups become tags, too. */
function tagsOf({ tags = {}, groups = [] }: Machine): string[] {
  return [...Object.entries(tags).map(([name, value]) => (value === "" ? name : `${name}: ${value}`)), ...groups];
}

function vendorOf({ smbios }: Machine): string {
  return smbios?.vendor.trim() || unknown;
}

function productOf({ smbios }: Machine): string {
  return smbios?.product.trim() || unknown;
}

function rackOf({ placement }: Machine): string {
  return placement?.position.rack ?? "";
}

/** NetBox accepts only a numeric unit; a rule may have a group `unit` that is not numeric. */
function unitOf({ placement }: Machine): string {
  const unit = placement?.position.unit ?? "";
  return /^\d+$/.test(unit) ? String(Number(unit)) : "";
}

/** The NICs that init found; before its scan, the NICs that sent PXE requests, by number. */
function nicsOf({ hardware, macs }: Machine) {
  return hardware?.nics ?? macs.map((mac, index) => ({ name: `nic${index}`, mac, speedMbps: 0, driver: "" }));
}

/** Letters, digits and dashes (NetBox: at most 100). */
function slug(text: string): string {
  const dashed = text.toLowerCase().replace(/[^a-z0-9]+/g, "-");
  return dashed.replace(/^-|-$/g, "").slice(0, 100) || "unknown";
}

/** A switch port, as LLDP names it (core/site/placement.ts). */
export type SwitchPort = { readonly switchName: string; readonly port: string };

/**
 * Where a machine in its birth is by what it hears on its cable, computed by the server from the placement rules as soon as
 * it is reported; nothing is decided by it. `unplaced`: why no rule gives a place.
 */
export type HeardPlace =
  | {
      readonly kind: "placed";
      readonly switchName: string;
      readonly port: string;
      /** Values of the rule's named groups. */
      readonly position: { readonly [group: string]: string };
    }
  | { readonly kind: "unplaced"; readonly reason: string };

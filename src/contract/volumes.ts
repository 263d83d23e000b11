import * as v from "valibot";
import type { MachineVolumes } from "../core/install/machine-volumes.ts";
import { volumeFileSystems } from "../core/install/volume-file-system.ts";
import { pinned } from "./same.ts";

const uuid = v.pipe(v.string(), v.regex(/^[0-9a-f-]{36}$/));
const path = v.pipe(v.string(), v.startsWith("/"), v.maxLength(256));
const name = v.pipe(v.string(), v.regex(/^[a-z][a-z0-9-]{0,15}$/));

/** /etc/birther/volumes.json, which a birth writes. */
export const machineVolumes = pinned<MachineVolumes>()(
  v.object({
    swap: v.exactOptional(v.object({ partUuid: uuid })),
    volumes: v.array(
      v.object({
        ...{ name, partUuid: uuid, keyFile: v.exactOptional(path) },
        fileSystem: v.picklist(volumeFileSystems),
        mountPoint: v.exactOptional(path),
      }),
    ),
  }),
);

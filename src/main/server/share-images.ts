import type { Hono } from "hono";
import { formatIpv4 } from "../../core/net/ipv4.ts";
import { type Copies, openCopies } from "../../dominator/copies/copies.ts";
import { copyApp } from "../../dominator/copies/copy-app.ts";
import { type OtherLogs, openOtherLogs } from "../../dominator/copies/other-logs.ts";
import type { ConfidentialStores } from "../../dominator/storage/confidential-stores.ts";
import { viewImages } from "../../dominator/storage/image-views.ts";
import type { ObjectStore } from "../../dominator/storage/object-store.ts";
import { siteServerKey } from "../../mdb/site-servers.ts";
import { serverSecret } from "../../mdb/tls/server-secret.ts";
import { addressesOf, pkiOf, type Shared } from "./shared.ts";

/** Shares the images with the other servers, where the database is one that several servers can use. */
export function shareImages(
  shared: Shared,
  stores: { readonly objects: ObjectStore; readonly confidential: ConfidentialStores },
  opened: AsyncDisposableStack,
): { readonly apps: readonly Hono[]; readonly listImages: Copies["images"]; readonly otherLogs?: OtherLogs } {
  const { config, paths, store, images, clock, log } = shared;
  const [address] = addressesOf(config);
  const [first] = config.networks;
  if (config.database === undefined || address === undefined || first === undefined) {
    const listImages = async () => {
      await images.refresh();
      return viewImages(images);
    };
    return { apps: [], listImages };
  }
  const secret = serverSecret(pkiOf(shared));
  const copies = opened.use(
    openCopies({
      ...{ store, images, confidential: stores.confidential, secret, caPem: shared.trust.caPem, clock, log },
      ...{ objects: paths.objects, confidentialObjects: paths.confidentialObjects },
      self: `${formatIpv4(address)}:${config.ports.machines}`,
    }),
  );
  const logs = openOtherLogs({
    store,
    self: siteServerKey(first, config.ports.machines),
    secret,
    caPem: shared.trust.caPem,
    clock,
  });
  const app = copyApp({ images, ...stores, secret, readLog: store.readLog });
  return { apps: [app], listImages: copies.images, otherLogs: logs };
}

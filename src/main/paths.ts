import { join } from "node:path";

/** Where everything lies that the parts keep; they only ever hear their own place. */
export function pathsIn(stateDirectory: string) {
  const place = (name: string) => join(stateDirectory, name);
  return {
    database: place("mdb.sqlite"),
    /** Held by the server that runs here, where the database is not in the directory and its own lock. */
    lock: place("lock.sqlite"),
    /** There once a machine was served from here. */
    fleetMark: place("served-a-fleet"),
    pki: place("pki"),
    bootstrap: place("bootstrap"),
    kernel: place("bootstrap/vmlinuz"),
    initramfs: place("bootstrap/initramfs.img"),
    secureLoaders: place("bootstrap/secure-loaders"),
    objects: place("objects"),
    images: place("images"),
    operatorSocket: place("api.sock"),
  };
}

/** Downloads and finished parts of images, shared by all that run here; can be thrown away at any time. */
export const cacheDirectory = process.env.BIRTHER_CACHE ?? "/var/cache/birther";

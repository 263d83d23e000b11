import * as os from "os";
import { textFromBytes } from "../../core/bytes/text.ts";
import type { Tree } from "../../core/hardware/system-tree.ts";
import { list, readBytes } from "../system/files.ts";

/** The running kernel's /sys and /proc. Read as bytes, because vital product data is binary. */
export const systemTree: Tree = {
  text: (path) => {
    try {
      return textFromBytes(readBytes(path));
    } catch {
      return ""; // some attributes exist and give EINVAL, e.g. speed of a NIC without a link
    }
  },
  list: (directory) => {
    try {
      return list(directory);
    } catch {
      return [];
    }
  },
  target: (path) => {
    const [target, errno] = os.realpath(path);
    return errno === 0 ? target : "";
  },
};

import * as host from "host";
import { bootKernels } from "../../../core/image/boot/grub.ts";
import { bootPartition, kernelId, type StoredKernel } from "../../../core/image/boot/kernel-store.ts";
import { exists, list } from "../../system/files.ts";
import { sha512Text } from "../../system/sha512.ts";

/** The whole kernels on a boot partition; a directory that a power cut or a bad block damaged is not one. */
export function readStoredKernels(partition: string, alive: () => void): readonly StoredKernel[] {
  const kernels = `${partition}${bootPartition.kernels}`;
  if (!exists(kernels)) return [];
  return list(kernels).flatMap((id) => {
    const names = list(`${kernels}/${id}`);
    const [kernel] = bootKernels(names);
    if (kernel === undefined) return [];
    const files = names.map((name) => {
      alive();
      return { name, sha512: host.sha512File(`${kernels}/${id}/${name}`) };
    });
    return kernelId(files, sha512Text) === id ? [{ ...kernel, id, names }] : [];
  });
}

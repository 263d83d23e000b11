/** The file of a recipe, from which mmdebstrap builds a system image (recipes/). */
import * as v from "valibot";
import { defaultArchitecture, type MachineArchitecture, machineArchitectures } from "../core/machine/architecture.ts";
import { faultMessages, faultsOf } from "./shape-faults.ts";

const text = v.pipe(v.string(), v.minLength(1), v.maxLength(4096));
const path = v.pipe(
  v.string(),
  v.regex(
    /^(\/(?!\.{1,2}(\/|$))[A-Za-z0-9._+@:-]+)+$/,
    "expected an absolute path of letters, digits and . _ + @ : -, such as /etc/motd",
  ),
);

/** Packages that hold a kernel for the machine. */
const kernel = /^linux-image-[a-z0-9.+-]+$/;

/** The architecture in the name of Debian's package of a kernel. */
const kernelsArchitecture = new RegExp(`^linux-image-(?:.*-)?(${machineArchitectures.join("|")})$`);

const keys = v.strictObject({
  suite: v.pipe(v.string(), v.regex(/^[a-z][a-z0-9-]*$/, "expected a suite of Debian, such as bookworm")),
  architecture: v.exactOptional(v.picklist(machineArchitectures, `expected ${machineArchitectures.join(" or ")}`)),
  packages: v.pipe(
    v.array(
      v.pipe(v.string(), v.regex(/^[a-z0-9][a-z0-9.+-]*$/, "expected the name of a package, such as openssh-server")),
    ),
    v.maxLength(5000),
    v.check(
      (names) => names.some((name) => kernel.test(name)),
      "expected a kernel; add linux-image-amd64 or linux-image-arm64, or for virtual machines linux-image-cloud-amd64",
    ),
    v.check(
      (names) => names.includes("initramfs-tools") || names.includes("dracut"),
      "expected initramfs-tools; add it",
    ),
    v.check((names) => names.includes("systemd-sysv"), "expected systemd-sysv, which provides /sbin/init; add it"),
  ),
  leftOut: v.optional(v.pipe(v.array(text), v.maxLength(1000)), []),
  files: v.optional(
    v.pipe(
      v.array(
        v.strictObject({
          path,
          text: v.pipe(v.string(), v.maxLength(1 << 20)),
          mode: v.optional(
            v.pipe(v.string(), v.regex(/^0?[0-7]{3,4}$/, 'expected an octal mode in quotes, such as "0755"')),
            "0644",
          ),
        }),
      ),
      v.maxLength(1000),
    ),
    [],
  ),
  hooks: v.optional(v.pipe(v.array(text), v.maxLength(1000)), []),
});

const schema = v.pipe(
  keys,
  v.forward(
    v.check(
      ({ architecture = defaultArchitecture, packages }) =>
        packages.every((name) => (kernelsArchitecture.exec(name)?.[1] ?? architecture) === architecture),
      ({ input: { architecture = defaultArchitecture } }) =>
        `expected a kernel for ${architecture}, the recipe's architecture, such as linux-image-${architecture}`,
    ),
    ["packages"],
  ),
);

/** The contents of a system image that mmdebstrap builds. */
export type Recipe = {
  /** Debian's suite; mmdebstrap chooses the mirrors, including security updates. */
  readonly suite: string;
  /** What its machines are; the default if it is absent. Another than this computer's is emulated while packages are configured. */
  readonly architecture?: MachineArchitecture;
  readonly packages: readonly string[];
  /** Shell patterns of paths that packages must not unpack. */
  readonly leftOut: readonly string[];
  /** Files that are added, before the hooks run; `mode` is octal. */
  readonly files: readonly { readonly path: string; readonly text: string; readonly mode: string }[];
  /** Commands run in the finished tree, which is `$1`. */
  readonly hooks: readonly string[];
};

/** A recipe, or what is wrong with it. */
export type RecipeResult =
  | { readonly kind: "recipe"; readonly recipe: Recipe }
  | { readonly kind: "faults"; readonly faults: string };

/** Checks what was read from a recipe's file. */
export function readRecipe(document: unknown): RecipeResult {
  const parsed = v.safeParse(schema, document, faultMessages);
  if (parsed.success) return { kind: "recipe", recipe: parsed.output };
  return { kind: "faults", faults: faultsOf(parsed.issues, "recipe") };
}

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { runCommand } from "./command.ts";
import type { DebianPackage } from "./debian/packages.ts";
import type { UnpackedSource } from "./debian/source.ts";

/** A component of a bill of materials (CycloneDX 1.5, "components"). */
export type Component = {
  readonly type: "application" | "library" | "operating-system";
  readonly name: string;
  readonly version: string;
  /** Package URL (purl specification), the identity that scanners look for. */
  readonly purl: string;
  readonly hashes?: readonly { readonly alg: "SHA-256" | "SHA-512"; readonly content: string }[];
};

/** A package whose files are in the image. */
export function debianComponent({ name, file, hash }: DebianPackage): Component {
  const [, version = "", architecture = ""] = decodeURIComponent(file)
    .replace(/\.deb$/, "")
    .split("_");
  const [algorithm = "", content = ""] = hash.split(":");
  const alg = ({ SHA256: "SHA-256", SHA512: "SHA-512" } as const)[algorithm];
  return {
    type: name.startsWith("linux-image-") ? "operating-system" : "library",
    name,
    version,
    purl: `pkg:deb/debian/${name}@${encodeURIComponent(version)}?arch=${architecture}`,
    ...(alg === undefined ? {} : { hashes: [{ alg, content }] }),
  };
}

/** A source package that the native program is built from. */
export function sourceComponent({ name, version }: UnpackedSource): Component {
  return { type: "library", name, version, purl: `pkg:deb/debian/${name}@${encodeURIComponent(version)}?arch=source` };
}

/** A package installed on the building computer that is linked into the native program, such as the C library. */
export async function installedComponent(name: string): Promise<Component> {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the braces are dpkg-query's
  const output = await runCommand(["dpkg-query", "--show", "--showformat=${Version}", name]);
  const version = output.toString();
  return { type: "library", name, version, purl: `pkg:deb/debian/${name}@${encodeURIComponent(version)}` };
}

/** The npm packages whose code a bundle contains, from the paths of its inputs. Throws if a package has no version. */
export async function npmComponents(inputs: readonly string[]): Promise<readonly Component[]> {
  const directories = new Set(inputs.flatMap((path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? []));
  return Promise.all(
    [...directories].sort().map(async (directory): Promise<Component> => {
      const { name, version } = JSON.parse(await readFile(join(directory, "package.json"), "utf8"));
      if (typeof name !== "string" || typeof version !== "string")
        throw new Error(`${directory}/package.json: expected name and version, found none`);
      return { type: "library", name, version, purl: `pkg:npm/${encodeURIComponent(name)}@${version}` };
    }),
  );
}

/** A CycloneDX 1.5 document. The same components give the same text: it holds no time and no serial number. */
export function billOfMaterials(subject: string, components: readonly Component[]): string {
  const sorted = [...components].sort((one, other) => (one.purl < other.purl ? -1 : 1));
  const document = {
    bomFormat: "CycloneDX",
    specVersion: "1.5",
    version: 1,
    metadata: { component: { type: "firmware", "bom-ref": subject, name: subject } },
    components: sorted.map((component) => ({ "bom-ref": component.purl, ...component })),
  };
  return `${JSON.stringify(document, undefined, 2)}\n`;
}

import type { ImageSummary } from "../../core/image/manifest.ts";

/** A manifest that cannot be read, and why. */
export type UnreadableImage = { readonly name: string; readonly fault: string };

/** What an image store knows of its images: those that it has, cannot read, or has removed. */
export class ImageIndex {
  readonly images = new Map<string, ImageSummary>();
  /** The names of images by the SHA-512 of their manifests. */
  readonly manifests = new Map<string, string>();
  /** `file` changes whenever the file of the manifest does. */
  readonly unreadable = new Map<string, UnreadableImage & { readonly file: string }>();
  readonly removed = new Set<string>();

  keep(image: ImageSummary): void {
    this.images.set(image.name, image);
    this.manifests.set(image.manifest.sha512, image.name);
    this.unreadable.delete(image.name);
  }

  withManifest(sha512: string): ImageSummary | undefined {
    return this.images.get(this.manifests.get(sha512) ?? "");
  }

  /** The manifest of a name is another one now, or cannot be read. */
  replaced(name: string, before: ImageSummary | undefined): void {
    if (this.unreadable.has(name)) this.images.delete(name);
    if (before !== undefined && before.manifest.sha512 !== this.images.get(name)?.manifest.sha512)
      this.manifests.delete(before.manifest.sha512);
  }

  forget(name: string): void {
    this.manifests.delete(this.images.get(name)?.manifest.sha512 ?? "");
    this.images.delete(name);
    this.unreadable.delete(name);
  }

  faults(): readonly UnreadableImage[] {
    return [...this.unreadable.values()].map(({ name, fault }) => ({ name, fault }));
  }

  known(): readonly string[] {
    return [...this.images.keys(), ...this.unreadable.keys()];
  }

  taken(): readonly string[] {
    return [...new Set([...this.known(), ...this.removed])];
  }
}

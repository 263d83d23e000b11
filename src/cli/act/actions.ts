import type { Config } from "../../contract/config/schema.ts";
import type { CollectedView, ImageView } from "../../contract/operator/views.ts";
import type { Recipe } from "../../contract/recipe.ts";
import type { FirmwareFamilyName } from "../../core/bootstrap-image/firmware-families.ts";
import type { ImageProfile } from "../../core/bootstrap-image/image-profile.ts";
import type { BootstrapSuite } from "../../core/bootstrap-image/suite.ts";
import type { MachineArchitecture } from "../../core/machine/architecture.ts";
import type { ImportProgress, NotCarried } from "../output/import-progress.ts";

/** The Bootstrap Image: sizes in bytes as transferred, versions and paths. */
export type BootstrapView = {
  readonly suite: BootstrapSuite;
  readonly architecture: MachineArchitecture;
  readonly profile: ImageProfile;
  /** Versions of GRUB for disks; `measuring` for the site's own key and for sealed disk keys, which only amd64 has. */
  readonly grub: { readonly own: string; readonly measuring?: string };
  readonly kernelBytes: number;
  readonly initramfsBytes: number;
  readonly totalBytes: number;
  /** What the image consists of, by part and component; their bytes add up to `totalBytes`. */
  readonly components: readonly { readonly part: string; readonly name: string; readonly bytes: number }[];
  readonly kernelVersion: string;
  readonly kernelPath: string;
  readonly initramfsPath: string;
  readonly driverFamilies: number;
  /** The second archive with the firmware of network cards, which is not in `totalBytes`; absent without families. */
  readonly firmware?: {
    readonly families: readonly FirmwareFamilyName[];
    readonly bytes: number;
    readonly components: BootstrapView["components"];
  };
};

/** Reports the progress of a copy, in rows or bytes. */
export type Progress = (done: number, total: number) => void;

/** A step of the replacement of a fleet's certificate authority. */
export type AuthorityChange = "show" | "add" | "switch" | "retire";

/** The certificate authorities of a fleet, and the installed machines that do not trust exactly these, by name. */
export type TrustReport = {
  readonly authorities: readonly { readonly role: string; readonly fingerprint: string; readonly file: string }[];
  readonly installed: number;
  readonly behind: readonly string[];
};

/** The site's key for Secure Boot: the private key, and its certificate as PEM and as DER. */
export type SecureBootFiles = { readonly key: string; readonly certificate: string; readonly der: string };

/** Why an operator does something, for the audit. */
type Reasoned = { readonly reason?: string | undefined };

/** What verbs need from rooms that cli may not import; main supplies it (star rule, docs/architecture.md). */
export type Actions = {
  /** Serves until a signal ends it. */
  readonly serve: (options: {
    readonly config: Config;
    readonly logJson: boolean;
    readonly verbose: boolean;
  }) => Promise<void>;
  /**
   * Builds the Bootstrap Image of a state directory unless it is up to date: of the suite, the profile, the firmware families and the
   * packages of the last build, or of others, or with `renew` of today's packages.
   */
  readonly buildBootstrapImage: (
    stateDirectory: string,
    options?: {
      readonly architecture?: MachineArchitecture;
      readonly suite?: BootstrapSuite;
      readonly profile?: ImageProfile;
      readonly firmware?: readonly FirmwareFamilyName[];
      readonly renew?: boolean;
    } & Reasoned,
  ) => Promise<BootstrapView>;
  readonly listImages: (stateDirectory: string) => Promise<readonly ImageView[]>;
  /** The objects of a state directory whose content is not what their name says, by their SHA-512. */
  readonly verifyObjects: (stateDirectory: string) => Promise<readonly string[]>;
  /** Removes the contents that nothing needs from a state directory; with `isDryRun`, says what would go. */
  readonly collectImages: (
    options: {
      readonly stateDirectory: string;
      readonly isDryRun: boolean;
    } & Reasoned,
  ) => Promise<CollectedView>;
  /** Imports a tree as the next version of a stream. */
  readonly importImage: (
    options: {
      readonly stateDirectory: string;
      readonly stream: string;
      readonly source: string;
      /** Gives the image only to machines of its stream. */
      readonly confidential: boolean;
      readonly onProgress: (progress: ImportProgress) => void;
      readonly onNotCarried: (list: readonly NotCarried[]) => void;
    } & Reasoned,
  ) => Promise<ImageView>;
  /** Builds an image by a recipe and imports it as the next version of a stream. */
  readonly buildImage: (
    options: {
      readonly stateDirectory: string;
      readonly stream: string;
      readonly recipe: Recipe;
      /** The file of the recipe, as the image's record is to name it. */
      readonly file: string;
      readonly onLine: (line: string) => void;
      readonly onProgress: (progress: ImportProgress) => void;
      readonly onNotCarried: (list: readonly NotCarried[]) => void;
    } & Reasoned,
  ) => Promise<ImageView>;
  /** Writes an image as a tar archive, compressed if the name of the file ends in `.zst`. */
  readonly exportImage: (options: {
    readonly stateDirectory: string;
    readonly image: string;
    readonly file: string;
    readonly onProgress: (progress: ImportProgress) => void;
  }) => Promise<void>;
  /** Shows or changes the certificate authorities of a state directory that no server uses. */
  readonly changeAuthorities: (
    options: {
      readonly config: Config;
      readonly change: AuthorityChange;
      /** Switches although machines are left behind. */
      readonly override: boolean;
    } & Reasoned,
  ) => Promise<TrustReport>;
  /** Makes the site's key for Secure Boot in a state directory; throws if it has one. Returns the paths of its files. */
  readonly makeSecureBootKey: (stateDirectory: string, asked: Reasoned) => Promise<SecureBootFiles>;
  /** The path of a state directory's SQLite MDB. */
  readonly databaseIn: (stateDirectory: string) => string;
  /** Copies an MDB between SQLite files and PostgreSQL databases; returns the number of machines. */
  readonly copyMdb: (options: {
    readonly from: string;
    readonly to: string;
    readonly replace: boolean;
    readonly onProgress: Progress;
    /** The audit of the copy says that it is one, and why; not of a backup, which is a copy of everything. */
    readonly act?: Reasoned;
  }) => Promise<number>;
  /** Restores a backup, which is not changed; also returns how many machines will be installed at their next boot. */
  readonly restoreMdb: (
    options: {
      readonly from: string;
      readonly to: string;
      readonly replace: boolean;
      readonly onProgress: Progress;
    } & Reasoned,
  ) => Promise<{ readonly machines: number; readonly toBeInstalled: number }>;
};

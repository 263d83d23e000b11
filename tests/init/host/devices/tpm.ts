import {
  constants,
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  privateDecrypt,
  randomBytes,
  timingSafeEqual,
  verify,
} from "node:crypto";
import type { OpenFile } from "../system/descriptors.ts";
import { makeNvMemory, type NvMemory } from "./tpm-nv.ts";

/** A TPM 2.0 in software: what lasts over boots. It does the real cryptography, with a parser and an encoder of its own. */
export type FakeTpm = {
  /** A boot's /dev/tpmrm0. */
  readonly open: (path: string) => OpenFile;
  /** Lower-case hex SHA-256 of its endorsement key's public area. */
  readonly ekSha256: () => string;
  /** What its owner's indices hold, and what makes it refuse them. */
  readonly nv: NvMemory;
  /** A boot has measured these values, in hex. */
  readonly measured: (pcrs: ReadonlyMap<number, string>) => void;
};

const owner = 0x40000001;
const endorsement = 0x4000000b;
const nullHierarchy = 0x40000007;
const password = 0x40000009;
const noSessions = 0x8001;
/** The policy of an endorsement key: PolicySecret(TPM_RH_ENDORSEMENT) on an empty session. */
const endorsementPolicy = Buffer.from("837197674484b3f81a90cc8d46a5d724fd52d76e06520b64f2a1da1b331469aa", "hex");
const rc = { value: 0x2c4, policyFail: 0x99d, integrity: 0x2df, commandCode: 0x143, handle: 0x18b } as const;

type Session = { digest: Buffer; readonly nonce: Buffer };
type LoadedKey = {
  readonly area: Buffer;
  readonly name: Buffer;
  readonly privateKey?: KeyObject;
  readonly sealed?: Buffer;
  readonly verifier?: KeyObject;
  readonly isParent?: true;
};

/** What lasts in a TPM, and what the present boot has measured. */
type Chip = {
  readonly endorsementKey: (template: Buffer) => LoadedKey | undefined;
  readonly storageSeed: Buffer;
  pcrs: ReadonlyMap<number, string>;
  readonly nv: NvMemory;
};

/** Makes a TPM with a new endorsement seed. `busy`: it answers its first commands with TPM_RC_TESTING. */
export function makeTpm({ busy = 0 }: { readonly busy?: number } = {}): FakeTpm {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const modulus = Buffer.from(publicKey.export({ format: "jwk" }).n ?? "", "base64url");
  let testing = busy;
  let ekSha256 = "";
  const endorsementKey = (template: Buffer): LoadedKey | undefined => {
    if (template.readUInt16BE(0) !== 1 || template.length !== 314) return undefined;
    const area = Buffer.concat([template.subarray(0, template.length - modulus.length), modulus]);
    ekSha256 = sha256(area).toString("hex");
    return { area, name: nameOf(area), privateKey };
  };

  const nv = makeNvMemory();
  const chip: Chip = { endorsementKey, storageSeed: randomBytes(32), pcrs: new Map(), nv };
  function open(path: string): OpenFile {
    const run = openTransients(chip);
    let response: Buffer = Buffer.alloc(0);
    return {
      about: path,
      write: (bytes) => {
        testing -= 1;
        response = testing >= 0 ? failed(0x90a) : run(Buffer.from(bytes));
        return bytes.length;
      },
      read: (buffer) => {
        const length = response.length;
        buffer.set(response);
        response = Buffer.alloc(0);
        return length;
      },
    };
  }
  const measured = (pcrs: Chip["pcrs"]) => {
    chip.pcrs = pcrs;
  };
  return { open, ekSha256: () => ekSha256, nv, measured };
}

/** The objects and sessions of one opening; runs a command and returns the response. */
function openTransients(chip: Chip): (command: Buffer) => Buffer {
  const keys = new Map<number, LoadedKey>();
  const sessions = new Map<number, Session>();
  const next = { key: 0x80000000, session: 0x03000000 };

  function createPrimary(command: Reader): Buffer {
    const hierarchy = command.number(4);
    const [auth] = command.authorisations();
    command.sized();
    const template = command.sized();
    if (auth !== password) return failed(rc.policyFail);
    const storage = hierarchy === owner ? storageKey(template) : undefined;
    const key =
      storage ?? (hierarchy === endorsement ? chip.endorsementKey(template) : signingKey(hierarchy, template));
    if (key === undefined) return failed(rc.value);
    const handle = next.key++;
    keys.set(handle, key);
    const parameters = Buffer.concat([sized(key.area), sized(Buffer.alloc(0)), sized(Buffer.alloc(32))]);
    return succeeded(Buffer.concat([number(handle, 4), number(parameters.length, 4), parameters]), 0x8002);
  }
  function startAuthSession(): Buffer {
    const handle = next.session++;
    const nonce = randomBytes(32);
    sessions.set(handle, { digest: Buffer.alloc(32), nonce });
    return succeeded(Buffer.concat([number(handle, 4), sized(nonce)]));
  }
  function policySecret(command: Reader): Buffer {
    const [authority, handle] = [command.number(4), command.number(4)];
    const session = sessions.get(handle);
    const [auth] = command.authorisations();
    if (session === undefined) return failed(rc.handle);
    if (authority !== endorsement || auth !== password) return failed(rc.policyFail);
    session.digest = policyDigestAfterSecret(session.digest);
    return succeeded(Buffer.concat([number(6, 4), sized(Buffer.alloc(0)), Buffer.alloc(4)]), 0x8002);
  }
  function activateCredential(command: Reader): Buffer {
    const [object, key] = [keys.get(command.number(4)), keys.get(command.number(4))];
    const [objectAuth, policy] = command.authorisations();
    if (object === undefined || key?.privateKey === undefined) return failed(rc.handle);
    const session = sessions.get(policy ?? 0);
    if (objectAuth !== password || session === undefined || !session.digest.equals(endorsementPolicy))
      return failed(rc.policyFail);
    const secret = decryptCredential(key.privateKey, object.name, { blob: command.sized(), seed: command.sized() });
    if (secret === undefined) return failed(rc.integrity);
    return succeeded(Buffer.concat([number(secret.length + 2, 4), sized(secret)]), 0x8002);
  }
  /** TPM2_Create of sealed data: encrypted to this TPM, together with its public area. */
  function create(command: Reader): Buffer {
    const parent = keys.get(command.number(4));
    const [auth] = command.authorisations();
    const sensitive = reader(command.sized());
    const area = command.sized();
    if (parent?.isParent !== true || auth !== password) return failed(rc.handle);
    sensitive.sized();
    const iv = randomBytes(12);
    const cipher = createCipheriv("aes-256-gcm", chip.storageSeed, iv).setAAD(area);
    const encrypted = Buffer.concat([cipher.update(sensitive.sized()), cipher.final()]);
    const parts = [Buffer.concat([iv, cipher.getAuthTag(), encrypted]), area, Buffer.alloc(0), Buffer.alloc(32)];
    const parameters = Buffer.concat(parts.map(sized));
    return succeeded(Buffer.concat([number(parameters.length, 4), parameters]), 0x8002);
  }
  function load(command: Reader): Buffer {
    const parent = keys.get(command.number(4));
    command.authorisations();
    const [secret, area] = [command.sized(), command.sized()];
    if (parent?.isParent !== true) return failed(rc.handle);
    try {
      const cipher = createDecipheriv("aes-256-gcm", chip.storageSeed, secret.subarray(0, 12)).setAAD(area);
      cipher.setAuthTag(secret.subarray(12, 28));
      const sealed = Buffer.concat([cipher.update(secret.subarray(28)), cipher.final()]);
      const handle = next.key++;
      const key = { area, name: nameOf(area), sealed };
      keys.set(handle, key);
      return succeeded(Buffer.concat([number(handle, 4), number(key.name.length + 2, 4), sized(key.name)]), 0x8002);
    } catch {
      return failed(rc.integrity);
    }
  }
  /** TPM2_PolicyPCR of the present values, in the order of their numbers. */
  function policyPcr(command: Reader): Buffer {
    const session = sessions.get(command.number(4));
    if (session === undefined) return failed(rc.handle);
    command.sized();
    const selection = command.rest();
    const selected = [...Array(24).keys()].filter((pcr) => ((selection[7 + (pcr >> 3)] ?? 0) >> (pcr & 7)) & 1);
    const values = selected.map((pcr) => Buffer.from(chip.pcrs.get(pcr) ?? "0".repeat(64), "hex"));
    session.digest = sha256(
      Buffer.concat([session.digest, number(0x17f, 4), selection, sha256(Buffer.concat(values))]),
    );
    return succeeded(Buffer.alloc(0));
  }
  function policyOr(command: Reader): Buffer {
    const session = sessions.get(command.number(4));
    const digests = Array.from({ length: command.number(4) }, () => command.sized());
    if (session === undefined) return failed(rc.handle);
    if (!digests.some((digest) => digest.equals(session.digest))) return failed(rc.value);
    session.digest = sha256(Buffer.concat([Buffer.alloc(32), number(0x171, 4), ...digests]));
    return succeeded(Buffer.alloc(0));
  }
  /** TPM2_LoadExternal of a P-256 key's public area. */
  function loadExternal(command: Reader): Buffer {
    command.sized();
    const area = command.sized();
    const parts = reader(area);
    for (const size of [4, 4]) parts.number(size);
    parts.sized();
    for (let words = 0; words < 4; words += 1) parts.number(2);
    const [x, y] = [parts.sized(), parts.sized()].map((each) => each.toString("base64url"));
    if (x === undefined || y === undefined) return failed(rc.value);
    const verifier = createPublicKey({ key: { kty: "EC", crv: "P-256", x, y }, format: "jwk" });
    const handle = next.key++;
    keys.set(handle, { area, name: nameOf(area), verifier });
    return succeeded(Buffer.concat([number(handle, 4), sized(nameOf(area))]));
  }
  function policySigned(command: Reader): Buffer {
    const [key, session] = [keys.get(command.number(4)), sessions.get(command.number(4))];
    const [nonce, cpHash, purpose] = [command.sized(), command.sized(), command.sized()];
    if (key?.verifier === undefined || session === undefined) return failed(rc.handle);
    const expiry = command.number(4);
    for (let words = 0; words < 2; words += 1) command.number(2);
    const signature = Buffer.concat([command.sized(), command.sized()]);
    const message = Buffer.concat([nonce, number(expiry, 4), cpHash, purpose]);
    const by = { key: key.verifier, dsaEncoding: "ieee-p1363" } as const;
    if (!nonce.equals(session.nonce) || !verify("sha256", message, by, signature)) return failed(0x2db);
    const named = sha256(Buffer.concat([session.digest, number(0x160, 4), key.name]));
    session.digest = sha256(Buffer.concat([named, purpose]));
    return succeeded(Buffer.concat([sized(Buffer.alloc(0)), Buffer.alloc(8)]));
  }
  function unseal(command: Reader): Buffer {
    const object = keys.get(command.number(4));
    const session = sessions.get(command.authorisations()[0] ?? 0);
    if (object?.sealed === undefined || session === undefined) return failed(rc.handle);
    const area = reader(object.area);
    area.number(4);
    area.number(4);
    if (!area.sized().equals(session.digest)) return failed(rc.policyFail);
    const data = sized(object.sealed);
    return succeeded(Buffer.concat([number(data.length, 4), data]), 0x8002);
  }
  function flush(command: Reader): Buffer {
    const handle = command.number(4);
    return sessions.delete(handle) || keys.delete(handle) ? succeeded(Buffer.alloc(0)) : failed(rc.handle);
  }
  return (bytes) => {
    const command = reader(bytes);
    command.number(2);
    if (command.number(4) !== bytes.length) return failed(0x142);
    const code = command.number(4);
    const ofNv = chip.nv.run(code, bytes.subarray(10));
    if (ofNv !== undefined) return ofNv;
    switch (code) {
      case 0x131:
        return createPrimary(command);
      case 0x176:
        return startAuthSession();
      case 0x151:
        return policySecret(command);
      case 0x147:
        return activateCredential(command);
      case 0x165:
        return flush(command);
      case 0x167:
        return loadExternal(command);
      case 0x160:
        return policySigned(command);
      case 0x153:
        return create(command);
      case 0x157:
        return load(command);
      case 0x17f:
        return policyPcr(command);
      case 0x171:
        return policyOr(command);
      case 0x15e:
        return unseal(command);
      default:
        return failed(rc.commandCode);
    }
  };
}

function storageKey(template: Buffer): LoadedKey | undefined {
  return template.readUInt16BE(0) === 0x23 ? { area: template, name: nameOf(template), isParent: true } : undefined;
}

function signingKey(hierarchy: number, template: Buffer): LoadedKey | undefined {
  if (hierarchy !== nullHierarchy || template.readUInt16BE(0) !== 0x23) return undefined;
  const { publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const { x = "", y = "" } = publicKey.export({ format: "jwk" });
  const point = [x, y].map((part) => sized(Buffer.from(part, "base64url")));
  const area = Buffer.concat([template.subarray(0, template.length - 4), ...point]);
  return { area, name: nameOf(area) };
}

/** TPM2_ActivateCredential (Part 1, 24); undefined if the credential is not for this key and this object. */
function decryptCredential(
  key: KeyObject,
  objectName: Buffer,
  { blob, seed: encryptedSeed }: { readonly blob: Buffer; readonly seed: Buffer },
): Buffer | undefined {
  const padding = constants.RSA_PKCS1_OAEP_PADDING;
  let seed: Buffer;
  try {
    seed = privateDecrypt({ key, padding, oaepHash: "sha256", oaepLabel: Buffer.from("IDENTITY\0") }, encryptedSeed);
  } catch {
    return undefined;
  }
  const parts = reader(blob);
  const [integrity, encrypted] = [parts.sized(), parts.rest()];
  const kdf = (label: string, context: Buffer, bits: number) =>
    createHmac("sha256", seed)
      .update(Buffer.concat([number(1, 4), Buffer.from(`${label}\0`), context, number(bits, 4)]))
      .digest()
      .subarray(0, bits / 8);
  const mac = createHmac("sha256", kdf("INTEGRITY", Buffer.alloc(0), 256))
    .update(Buffer.concat([encrypted, objectName]))
    .digest();
  if (integrity.length !== mac.length || !timingSafeEqual(mac, integrity)) return undefined;
  const cipher = createDecipheriv("aes-128-cfb", kdf("STORAGE", objectName, 128), Buffer.alloc(16));
  return reader(Buffer.concat([cipher.update(encrypted), cipher.final()])).sized();
}

type Reader = {
  readonly number: (size: number) => number;
  readonly sized: () => Buffer;
  readonly rest: () => Buffer;
  readonly authorisations: () => readonly number[];
};

function reader(bytes: Buffer): Reader {
  let at = 0;
  const take = (length: number) => {
    const part = bytes.subarray(at, at + length);
    at += length;
    return part;
  };
  const read = (size: number) => take(size).readUIntBE(0, size);
  const readSized = () => take(read(2));
  return {
    number: read,
    sized: readSized,
    rest: () => take(bytes.length - at),
    authorisations: () => {
      const end = read(4) + at;
      const found: number[] = [];
      while (at < end) {
        found.push(read(4));
        readSized();
        read(1);
        readSized();
      }
      return found;
    },
  };
}

function policyDigestAfterSecret(before: Buffer): Buffer {
  const extended = sha256(Buffer.concat([before, number(0x151, 4), number(endorsement, 4)]));
  return sha256(extended);
}

function number(value: number, size: number): Buffer {
  const bytes = Buffer.alloc(size);
  bytes.writeUIntBE(value, 0, size);
  return bytes;
}

const sized = (bytes: Buffer) => Buffer.concat([number(bytes.length, 2), bytes]);
const sha256 = (bytes: Buffer) => createHash("sha256").update(bytes).digest();
const nameOf = (area: Buffer) => Buffer.concat([number(0x000b, 2), sha256(area)]);
const failed = (code: number) => succeeded(Buffer.alloc(0), noSessions, code);

function succeeded(body: Buffer, tag: number = noSessions, code = 0): Buffer {
  return Buffer.concat([number(tag, 2), number(body.length + 10, 4), number(code, 4), body]);
}

import {
  constants,
  createDecipheriv,
  createHash,
  createHmac,
  generateKeyPairSync,
  type KeyObject,
  privateDecrypt,
  randomBytes,
  timingSafeEqual,
} from "node:crypto";
import type { OpenFile } from "../system/descriptors.ts";

/** A TPM 2.0 in software: what lasts over boots. It does the real cryptography, with a parser and an encoder of its own. */
export type FakeTpm = {
  /** A boot's /dev/tpmrm0. */
  readonly open: (path: string) => OpenFile;
  /** Lower-case hex SHA-256 of its endorsement key's public area. */
  readonly ekSha256: () => string;
};

const endorsement = 0x4000000b;
const nullHierarchy = 0x40000007;
const password = 0x40000009;
const noSessions = 0x8001;
/** The policy of an endorsement key: PolicySecret(TPM_RH_ENDORSEMENT) on an empty session. */
const endorsementPolicy = Buffer.from("837197674484b3f81a90cc8d46a5d724fd52d76e06520b64f2a1da1b331469aa", "hex");
const rc = { value: 0x2c4, policyFail: 0x99d, integrity: 0x2df, commandCode: 0x143, handle: 0x18b } as const;

type Session = { digest: Buffer };
type LoadedKey = { readonly area: Buffer; readonly name: Buffer; readonly privateKey?: KeyObject };

/** Makes a TPM with a new endorsement seed. `busy`: it answers its first commands with TPM_RC_TESTING. */
export function makeTpm({ busy = 0 }: { readonly busy?: number } = {}): FakeTpm {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const modulus = Buffer.from(publicKey.export({ format: "jwk" }).n ?? "", "base64url");
  let testing = busy;
  let ekSha256 = "";
  const made = (template: Buffer): LoadedKey | undefined => {
    if (template.readUInt16BE(0) !== 1 || template.length !== 314) return undefined;
    const area = Buffer.concat([template.subarray(0, template.length - modulus.length), modulus]);
    ekSha256 = sha256(area).toString("hex");
    return { area, name: nameOf(area), privateKey };
  };

  function open(path: string): OpenFile {
    const run = openTransients(made);
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
  return { open, ekSha256: () => ekSha256 };
}

/** The objects and sessions of one opening; runs a command and returns the response. */
function openTransients(makeEndorsementKey: (template: Buffer) => LoadedKey | undefined): (command: Buffer) => Buffer {
  const keys = new Map<number, LoadedKey>();
  const sessions = new Map<number, Session>();
  const next = { key: 0x80000000, session: 0x03000000 };

  function createPrimary(command: Reader): Buffer {
    const hierarchy = command.number(4);
    const [auth] = command.authorisations();
    command.sized();
    const template = command.sized();
    if (auth !== password) return failed(rc.policyFail);
    const key = hierarchy === endorsement ? makeEndorsementKey(template) : signingKey(hierarchy, template);
    if (key === undefined) return failed(rc.value);
    const handle = next.key++;
    keys.set(handle, key);
    const parameters = Buffer.concat([sized(key.area), sized(Buffer.alloc(0)), sized(Buffer.alloc(32))]);
    return succeeded(Buffer.concat([number(handle, 4), number(parameters.length, 4), parameters]), 0x8002);
  }
  function startAuthSession(): Buffer {
    const handle = next.session++;
    sessions.set(handle, { digest: Buffer.alloc(32) });
    return succeeded(Buffer.concat([number(handle, 4), sized(randomBytes(32))]));
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
  return (bytes) => {
    const command = reader(bytes);
    command.number(2);
    if (command.number(4) !== bytes.length) return failed(0x142);
    switch (command.number(4)) {
      case 0x131:
        return createPrimary(command);
      case 0x176:
        return startAuthSession();
      case 0x151:
        return policySecret(command);
      case 0x147:
        return activateCredential(command);
      case 0x165:
        return sessions.delete(command.number(4)) ? succeeded(Buffer.alloc(0)) : failed(rc.handle);
      default:
        return failed(rc.commandCode);
    }
  };
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

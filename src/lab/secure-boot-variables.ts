/**
 * The variable store of OVMF (MdeModulePkg, Include/Guid/VariableFormat.h), in which Secure Boot is on and one certificate
 * is PK, KEK and all of db: a machine whose owner enrolled a key of their own in place of those it was sold with.
 */

const global = "8be4df61-93ca-11d2-aa0d-00e098032b8c";
const imageSecurity = "d719b2cb-3d3a-4596-a3bc-dad00e67656f";
const secureBootEnable = "f0a30bc7-af08-4556-99c4-001009c93a44";
const x509Certificate = "a5c059a1-94e4-4aa7-87b5-ab155c2bf072";
/** Who enrolled an entry; any GUID. */
const owner = "b1b1b1b1-0000-4000-8000-000000000001";

const nonVolatile = 1;
const bootService = 2;
const runtime = 4;
const timeAuthenticated = 0x20;
const key = nonVolatile | bootService | runtime | timeAuthenticated;

/** State of a variable that was written completely (VAR_ADDED). */
const added = 0x3f;
const startMark = 0x55aa;
const storeHeaderBytes = 28;

type Variable = {
  readonly name: string;
  readonly vendor: string;
  readonly attributes: number;
  readonly data: Uint8Array;
};

/** Puts the keys into an empty store, such as Debian's OVMF_VARS_4M.fd. `certificate` is DER. */
export function enrolOnly(store: Uint8Array, certificate: Uint8Array): Uint8Array {
  const list = signatureList(certificate);
  const variables: readonly Variable[] = [
    { name: "PK", vendor: global, attributes: key, data: list },
    { name: "KEK", vendor: global, attributes: key, data: list },
    { name: "db", vendor: imageSecurity, attributes: key, data: list },
    {
      ...{ name: "SecureBootEnable", vendor: secureBootEnable },
      ...{ attributes: nonVolatile | bootService, data: Uint8Array.of(1) },
    },
  ];
  const result = Buffer.from(store);
  // The firmware volume's header holds its own length.
  const first = result.readUInt16LE(48) + storeHeaderBytes;
  if (result.readUInt16LE(first) === startMark) throw new Error("OVMF variable store: expected an empty one");
  Buffer.concat(variables.map(writeVariable)).copy(result, first);
  return result;
}

/** EFI_SIGNATURE_LIST with one certificate (UEFI 2.10 §32.4.1). */
function signatureList(certificate: Uint8Array): Buffer {
  const header = Buffer.alloc(12);
  header.writeUInt32LE(16 + 12 + 16 + certificate.length, 0);
  header.writeUInt32LE(16 + certificate.length, 8);
  return Buffer.concat([guid(x509Certificate), header, guid(owner), certificate]);
}

/** AUTHENTICATED_VARIABLE_HEADER, name and value, padded to four bytes. */
function writeVariable({ name, vendor, attributes, data }: Variable): Buffer {
  const nameBytes = Buffer.from(`${name}\0`, "utf16le");
  const header = Buffer.alloc(44);
  header.writeUInt16LE(startMark, 0);
  header.writeUInt8(added, 2);
  header.writeUInt32LE(attributes, 4);
  // The time of the key, which later updates must exceed: 2020-01-01.
  if ((attributes & timeAuthenticated) !== 0) {
    header.writeUInt16LE(2020, 16);
    header.writeUInt8(1, 18);
    header.writeUInt8(1, 19);
  }
  header.writeUInt32LE(nameBytes.length, 36);
  header.writeUInt32LE(data.length, 40);
  const whole = Buffer.concat([header, guid(vendor), nameBytes, data]);
  return Buffer.concat([whole, Buffer.alloc((4 - (whole.length % 4)) % 4, 0xff)]);
}

/** A GUID as firmware stores it: the first three groups are little-endian. */
function guid(text: string): Buffer {
  const [a = "", b = "", c = "", d = "", e = ""] = text.split("-");
  const turned = [a, b, c].map((part) => Buffer.from(part, "hex").reverse());
  return Buffer.concat([...turned, Buffer.from(d + e, "hex")]);
}

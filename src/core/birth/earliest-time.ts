import { bytesFromBase64 } from "../bytes/base64.ts";
import { textFromBytes } from "../bytes/text.ts";

/**
 * The start of a PEM certificate's validity, in milliseconds since 1970; undefined if it cannot be read. The present is
 * certainly later: a machine with a dead clock battery sets its clock to this time so that TLS works.
 */
export function certificateStartMs(pem: string): number | undefined {
  const base64 = /-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END/.exec(pem)?.[1];
  if (base64 === undefined) return undefined;
  const text = textFromBytes(bytesFromBase64(base64));
  // notBefore is the first time in a certificate (RFC 5280 §4.1.2.5): UTCTime with two digits of year, or GeneralizedTime with four.
  const time = /(\d{14}|\d{12})Z/.exec(text)?.[1];
  if (time === undefined) return undefined;
  const digits = time.length === 14 ? time : `${Number(time.slice(0, 2)) < 50 ? "20" : "19"}${time}`;
  const iso = digits.replace(/^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/, "$1-$2-$3T$4:$5:$6Z");
  return unixMs(iso);
}

/** Converts ISO text to milliseconds without Date, which core does not use (days from the civil calendar, H. Hinnant's algorithm). */
function unixMs(iso: string): number | undefined {
  const match = /^(\d+)-(\d+)-(\d+)T(\d+):(\d+):(\d+)Z$/.exec(iso);
  if (match === null) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1).map(Number);
  const shifted = month <= 2 ? year - 1 : year;
  const era = Math.floor(shifted / 400);
  const yearOfEra = shifted - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  const days = era * 146097 + dayOfEra - 719468;
  return (((days * 24 + hour) * 60 + minute) * 60 + second) * 1000;
}

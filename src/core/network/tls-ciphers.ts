/**
 * What our TLS servers speak with agents of earlier builds, which have no TLS 1.3: forward secrecy and authenticated encryption only,
 * by OpenSSL's names, best first.
 */
export const tls12Ciphers: readonly string[] = [
  ...["ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-ECDSA-AES128-GCM-SHA256"],
  ...["ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-RSA-CHACHA20-POLY1305", "ECDHE-RSA-AES128-GCM-SHA256"],
];

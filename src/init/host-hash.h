/* SHA-512 for the files of the module `host` (docs/decisions/sha-512.md). */
#ifndef HOST_HASH_H
#define HOST_HASH_H

#include <stdint.h>
/* The functions that work on a state of the caller's, and pull in no other part of the library. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>

enum { SHA512_BYTES = 64, SHA512_HEX = 2 * SHA512_BYTES };

/* Lower-case hex and a NUL. */
void hash_hex(const uint8_t *digest, int bytes, char *text);

#endif

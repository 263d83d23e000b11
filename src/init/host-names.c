/*
 * Paths and names as bytes, for the files that work beneath a root. A name is bytes: one that is not UTF-8 has U+DC80 to U+DCFF in
 * place of its invalid bytes (as in Python's PEP 383).
 */
#include <errno.h>
#include <limits.h>
#include <linux/limits.h>
#include <string.h>
#include "host.h"
#include "host-beneath.h"

int bytes_of(const char *text, char *bytes)
{
	const unsigned char *from = (const unsigned char *)text;
	size_t length = 0;
	while (*from) {
		if (length == PATH_MAX - 1) {
			errno = ENAMETOOLONG;
			return 0;
		}
		int escaped = from[0] == 0xed && (from[1] == 0xb2 || from[1] == 0xb3);
		bytes[length++] = (char)(escaped ? (from[1] == 0xb2 ? from[2] : from[2] + 0x40) : *from);
		from += escaped ? 3 : 1;
	}
	bytes[length] = 0;
	return 1;
}

int name_of(const char *text, char *bytes)
{
	if (!bytes_of(text, bytes)) return 0;
	if (*bytes && strcmp(bytes, ".") && strcmp(bytes, "..") && !strchr(bytes, '/')) return 1;
	errno = EINVAL;
	return 0;
}

/* How many bytes the UTF-8 sequence (RFC 3629) at an offset has; 0 if it is none. */
static int sequence_length(const unsigned char *p)
{
	if (p[0] < 0x80) return 1;
	if (p[0] < 0xc2 || p[0] > 0xf4) return 0;
	int length = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	for (int i = 1; i < length; i++)
		if ((p[i] & 0xc0) != 0x80) return 0;
	int overlong = (p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xf0 && p[1] < 0x90);
	int outside = (p[0] == 0xed && p[1] > 0x9f) || (p[0] == 0xf4 && p[1] > 0x8f);
	return overlong || outside ? 0 : length;
}

JSValue text_of(JSContext *ctx, const char *bytes)
{
	char text[3 * PATH_MAX];
	const unsigned char *from = (const unsigned char *)bytes;
	size_t length = 0;
	while (*from && length + 4 < sizeof text) {
		int count = sequence_length(from);
		if (count) {
			memcpy(text + length, from, (size_t)count);
			length += (size_t)count;
			from += count;
			continue;
		}
		text[length++] = (char)0xed;
		text[length++] = (char)(*from < 0xc0 ? 0xb2 : 0xb3);
		text[length++] = (char)(*from < 0xc0 ? *from : *from - 0x40);
		from++;
	}
	return JS_NewStringLen(ctx, text, length);
}

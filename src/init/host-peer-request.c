/*
 * What the program that serves contents reads: requests of strangers, whose MAC proves that they know a key, and the
 * agent's settings.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <mbedtls/constant_time.h>
#include <mbedtls/md.h>
#include "host-peer.h"

static const char request_line[] = "POST /objects HTTP/1.1\r\n", scheme[] = "Birther-Peer ";
static const char signed_part[] = "POST /objects\n";

static int digit_of(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Reads 64 digits, of which text may have fewer. */
static int read_key(const char *text, size_t length, uint8_t *bytes)
{
	if (length != 2 * PEER_KEY) return 0;
	for (size_t i = 0; i < length; i++)
		if (digit_of(text[i]) < 0) return 0;
	for (size_t i = 0; i < PEER_KEY; i++)
		bytes[i] = (uint8_t)(digit_of(text[2 * i]) << 4 | digit_of(text[2 * i + 1]));
	return 1;
}

/* The value of a header line of this name, without blanks around it; NULL if the line has another name. */
static const char *value_of(const char *line, size_t length, const char *name, size_t *value_length)
{
	size_t at = strlen(name);
	if (length <= at || line[at] != ':' || strncasecmp(line, name, at)) return NULL;
	at++;
	while (at < length && (line[at] == ' ' || line[at] == '\t')) at++;
	while (length > at && (line[length - 1] == ' ' || line[length - 1] == '\t')) length--;
	*value_length = length - at;
	return line + at;
}

/* Reads digits, at most as many as given. */
static int read_number(const char *text, size_t length, size_t most, uint64_t *value)
{
	*value = 0;
	if (length == 0 || length > most) return 0;
	for (size_t i = 0; i < length; i++) {
		if (text[i] < '0' || text[i] > '9') return 0;
		*value = *value * 10 + (uint64_t)(text[i] - '0');
	}
	return 1;
}

/* Reads the lines of a head behind the first one; a status, 200 if the body may follow. */
static int read_headers(const char *line, const char *end, struct peer_request *request)
{
	int lengths = 0, macs = 0;
	uint64_t number = 0;
	request->from = request->to = 0;
	while (line < end) {
		const char *next = memmem(line, (size_t)(end - line), "\r\n", 2), *value;
		size_t length = (size_t)(next - line), value_length;
		if (value_of(line, length, "transfer-encoding", &value_length)) return 400;
		if ((value = value_of(line, length, "content-length", &value_length))) {
			if (lengths++ || !read_number(value, value_length, 6, &number)) return 400;
			request->body_length = (size_t)number;
		} else if ((value = value_of(line, length, "birther-from", &value_length))) {
			if (!read_number(value, value_length, 15, &request->from)) return 400;
		} else if ((value = value_of(line, length, "birther-to", &value_length))) {
			if (!read_number(value, value_length, 15, &request->to)) return 400;
		} else if ((value = value_of(line, length, "authorization", &value_length))) {
			size_t prefix = sizeof scheme - 1;
			if (macs++ || value_length < prefix || memcmp(value, scheme, prefix) ||
			    !read_key(value + prefix, value_length - prefix, request->mac))
				return 401;
		}
		line = next + 2;
	}
	if (!macs) return 401;
	if (!lengths || request->body_length == 0) return 400;
	return request->body_length > PEER_BODY ? 413 : 200;
}

int peer_read_request(const uint8_t *bytes, size_t length, struct peer_request *request)
{
	const char *text = (const char *)bytes;
	size_t first = sizeof request_line - 1, seen = length < PEER_HEAD ? length : PEER_HEAD;
	if (memcmp(text, request_line, seen < first ? seen : first)) return 404;
	const char *end = memmem(text, seen, "\r\n\r\n", 4);
	if (!end) return seen < PEER_HEAD ? 0 : 431;
	size_t head = (size_t)(end - text) + 4;
	if (head < first + 2) return 401; /* no header at all */
	int status = read_headers(text + first, end + 2, request);
	if (status != 200) return status;
	request->body = bytes + head;
	if (length - head > request->body_length) return 400; /* a connection carries one request */
	return length - head < request->body_length ? 0 : 200;
}

int peer_is_authentic(const struct peer_request *request, const struct peer_keys *keys)
{
	const mbedtls_md_info_t *sha256 = mbedtls_md_info_from_type(MBEDTLS_MD_SHA256);
	int found = 0;
	for (int i = 0; i < keys->count; i++) {
		mbedtls_md_context_t state;
		uint8_t mac[PEER_KEY];
		mbedtls_md_init(&state);
		int fault = mbedtls_md_setup(&state, sha256, 1) || mbedtls_md_hmac_starts(&state, keys->bytes[i], PEER_KEY) ||
		            mbedtls_md_hmac_update(&state, (const uint8_t *)signed_part, sizeof signed_part - 1) ||
		            mbedtls_md_hmac_update(&state, request->body, request->body_length) ||
		            mbedtls_md_hmac_finish(&state, mac);
		mbedtls_md_free(&state);
		if (!fault && mbedtls_ct_memcmp(mac, request->mac, PEER_KEY) == 0) found = 1;
	}
	return found;
}

int peer_has_hashes(const struct peer_request *request)
{
	if (request->body_length % PEER_LINE) return 0;
	for (size_t i = 0; i < request->body_length; i++) {
		char c = (char)request->body[i];
		if (i % PEER_LINE == PEER_HEX ? c != '\n' : digit_of(c) < 0) return 0;
	}
	return 1;
}

int peer_read_settings(const char *line, uint64_t *bytes_per_second, struct peer_keys *keys)
{
	struct peer_keys found = { 0 };
	char *rest;
	if (*line < '0' || *line > '9') return 0;
	*bytes_per_second = strtoull(line, &rest, 10);
	for (int i = 0; i < 2; i++) {
		if (*rest++ != ' ') return 0;
		size_t length = strcspn(rest, " ");
		if (read_key(rest, length, found.bytes[found.count])) found.count++;
		else if (length != 1 || *rest != '-') return 0;
		rest += length;
	}
	if (*rest) return 0;
	*keys = found;
	return 1;
}

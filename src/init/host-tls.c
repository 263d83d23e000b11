/* TLS with mbed TLS 3.6, SHA-256 and SHA-512, for the module `host`. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <mbedtls/error.h>
#include <mbedtls/ssl.h>
#include <psa/crypto.h>
#include "host.h"

enum { MAX_SESSIONS = 8, TIMEOUTS = 4 };

struct session {
	int fd;
	int reason; /* errno of the last socket call that failed */
	time_t deadline; /* of the handshake or the record under way, on the monotonic clock */
	mbedtls_ssl_context ssl;
	mbedtls_ssl_config config;
	mbedtls_x509_crt ca;
};

static struct session *sessions[MAX_SESSIONS];

/* Forward secrecy and authenticated encryption only; our own CA signs with ECDSA. */
static const int suites[] = {
	MBEDTLS_TLS1_3_AES_128_GCM_SHA256,
	MBEDTLS_TLS1_3_AES_256_GCM_SHA384,
	MBEDTLS_TLS1_3_CHACHA20_POLY1305_SHA256,
	MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
	MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
	MBEDTLS_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
	0,
};

/* The kernel's generator is seeded, fork-safe and fast enough; a second one would add nothing. */
static int random_callback(void *unused, unsigned char *out, size_t length)
{
	(void)unused;
	while (length > 0) {
		ssize_t count = getrandom(out, length, 0);
		if (count < 0) return MBEDTLS_ERR_ERROR_GENERIC_ERROR;
		out += count;
		length -= (size_t)count;
	}
	return 0;
}

static int send_callback(void *context, const unsigned char *bytes, size_t length)
{
	struct session *s = context;
	ssize_t count = send(s->fd, bytes, length, MSG_NOSIGNAL);
	if (count >= 0) return (int)count;
	s->reason = errno == EAGAIN ? ETIMEDOUT : errno;
	return MBEDTLS_ERR_ERROR_GENERIC_ERROR;
}

static time_t monotonic_seconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

/* A peer that sends byte by byte makes progress, but a handshake or a record ends after some time-outs of the socket. */
static void limit_time(struct session *s)
{
	struct timeval timeout = { 0 };
	socklen_t length = sizeof timeout;
	getsockopt(s->fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, &length);
	s->deadline = monotonic_seconds() + TIMEOUTS * (timeout.tv_sec + 1);
}

static int receive_callback(void *context, unsigned char *bytes, size_t length)
{
	struct session *s = context;
	if (monotonic_seconds() > s->deadline) {
		s->reason = ETIMEDOUT;
		return MBEDTLS_ERR_ERROR_GENERIC_ERROR;
	}
	ssize_t count = recv(s->fd, bytes, length, 0);
	if (count >= 0) return (int)count;
	s->reason = errno == EAGAIN ? ETIMEDOUT : errno;
	return MBEDTLS_ERR_ERROR_GENERIC_ERROR;
}

/* Throws with the reason: the socket's errno, the fault of the certificate, or mbedtls' own text. */
static JSValue throw_tls(JSContext *ctx, const char *operation, struct session *s, int code)
{
	char text[512];
	uint32_t flags = code == MBEDTLS_ERR_X509_CERT_VERIFY_FAILED ? mbedtls_ssl_get_verify_result(&s->ssl) : 0;
	if (s->reason) return host_throw(ctx, "%s: %s", operation, strerror(s->reason));
	if (flags) {
		mbedtls_x509_crt_verify_info(text, sizeof text, "", flags);
		for (char *c = text; *c; c++) if (*c == '\n') *c = c[1] ? ';' : '\0';
	} else {
		mbedtls_strerror(code, text, sizeof text);
	}
	return host_throw(ctx, "%s: %s", operation, text);
}

static void free_session(struct session *s)
{
	mbedtls_ssl_free(&s->ssl);
	mbedtls_ssl_config_free(&s->config);
	mbedtls_x509_crt_free(&s->ca);
	free(s);
}

static int start_session(struct session *s, const char *ca_pem, const char *name)
{
	if (psa_crypto_init() != PSA_SUCCESS) return MBEDTLS_ERR_ERROR_GENERIC_ERROR; /* TLS 1.3; later calls do nothing */
	int code = mbedtls_x509_crt_parse(&s->ca, (const unsigned char *)ca_pem, strlen(ca_pem) + 1);
	if (code > 0) code = MBEDTLS_ERR_X509_INVALID_FORMAT; /* some certificates of the file are unreadable */
	if (code == 0)
		code = mbedtls_ssl_config_defaults(&s->config, MBEDTLS_SSL_IS_CLIENT, MBEDTLS_SSL_TRANSPORT_STREAM,
		                                   MBEDTLS_SSL_PRESET_DEFAULT);
	if (code) return code;
	mbedtls_ssl_conf_authmode(&s->config, MBEDTLS_SSL_VERIFY_REQUIRED);
	mbedtls_ssl_conf_ca_chain(&s->config, &s->ca, NULL);
	mbedtls_ssl_conf_rng(&s->config, random_callback, NULL);
	mbedtls_ssl_conf_min_tls_version(&s->config, MBEDTLS_SSL_VERSION_TLS1_2);
	mbedtls_ssl_conf_ciphersuites(&s->config, suites);
	code = mbedtls_ssl_setup(&s->ssl, &s->config);
	if (code == 0) code = mbedtls_ssl_set_hostname(&s->ssl, name);
	if (code) return code;
	mbedtls_ssl_set_bio(&s->ssl, s, send_callback, receive_callback, NULL);
	return mbedtls_ssl_handshake(&s->ssl);
}

/* When it throws, the caller must still close the socket. */
static JSValue tls_open(JSContext *ctx, const struct argument *a)
{
	int handle = 0;
	while (handle < MAX_SESSIONS && sessions[handle]) handle++;
	struct session *s = handle < MAX_SESSIONS ? calloc(1, sizeof *s) : NULL;
	if (!s) return host_throw(ctx, "tlsOpen: limit of %d concurrent sessions reached", MAX_SESSIONS);
	s->fd = (int)a[0].number;
	limit_time(s);
	mbedtls_ssl_init(&s->ssl);
	mbedtls_ssl_config_init(&s->config);
	mbedtls_x509_crt_init(&s->ca);
	int code = start_session(s, a[1].text, a[2].text);
	if (code) {
		JSValue thrown = throw_tls(ctx, "TLS handshake", s, code);
		free_session(s);
		return thrown;
	}
	sessions[handle] = s;
	return JS_NewInt32(ctx, handle);
}

static struct session *session_of(double handle)
{
	return handle >= 0 && handle < MAX_SESSIONS ? sessions[(int)handle] : NULL;
}

static JSValue tls_read(JSContext *ctx, const struct argument *a)
{
	struct session *s = session_of(a[0].number);
	if (!s) return host_throw(ctx, "tlsRead: the session is closed");
	limit_time(s);
	int count = mbedtls_ssl_read(&s->ssl, a[1].bytes, a[1].length);
	if (count == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY) count = 0;
	return count < 0 ? throw_tls(ctx, "tlsRead", s, count) : JS_NewInt32(ctx, count);
}

static JSValue tls_write(JSContext *ctx, const struct argument *a)
{
	struct session *s = session_of(a[0].number);
	if (!s) return host_throw(ctx, "tlsWrite: the session is closed");
	for (size_t done = 0; done < a[1].length;) {
		int count = mbedtls_ssl_write(&s->ssl, a[1].bytes + done, a[1].length - done);
		if (count < 0) return throw_tls(ctx, "tlsWrite", s, count);
		done += (size_t)count;
	}
	return JS_UNDEFINED;
}

static JSValue tls_close(JSContext *ctx, const struct argument *a)
{
	struct session *s = session_of(a[0].number);
	if (!s) return host_throw(ctx, "tlsClose: the session is closed");
	mbedtls_ssl_close_notify(&s->ssl); /* the peer may be gone: nothing to do about it */
	close(s->fd);
	free_session(s);
	sessions[(int)a[0].number] = NULL;
	return JS_UNDEFINED;
}

const struct host_entry tls_entries[] = {
	{ "tlsOpen", "nss", tls_open },
	{ "tlsRead", "nr", tls_read },
	{ "tlsWrite", "nr", tls_write },
	{ "tlsClose", "n", tls_close },
	{ NULL, NULL, NULL },
};

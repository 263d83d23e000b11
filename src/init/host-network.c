/* TCP, raw Ethernet frames and the addresses of interfaces, for the module `host`. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <net/route.h>
#include <netinet/tcp.h>
#include <netpacket/packet.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include "host.h"

/* The largest frame that an Ethernet with jumbo frames or a virtual switch delivers. */
enum { MAX_FRAME = 65536 };

/* Closes fd and throws; errno's text is that of the failed call. */
static JSValue close_and_throw(JSContext *ctx, int fd, const char *what, const char *name)
{
	JSValue thrown = host_throw_errno(ctx, "%s %s", what, name);
	if (fd >= 0) close(fd);
	return thrown;
}

static int read_address(const char *text, struct sockaddr_in *address)
{
	memset(address, 0, sizeof *address);
	address->sin_family = AF_INET;
	if (inet_pton(AF_INET, text, &address->sin_addr) == 1) return 0;
	errno = EINVAL;
	return -1;
}

static JSValue tcp_connect(JSContext *ctx, const struct argument *a)
{
	struct sockaddr_in address;
	long ms = (long)a[2].number;
	struct timeval limit = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };
	int one = 1;
	if (read_address(a[0].text, &address) < 0) return host_throw_errno(ctx, "tcpConnect %s", a[0].text);
	address.sin_port = htons((uint16_t)a[1].number);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	/* socket(7): the send time-out also limits connect, which then fails with EINPROGRESS */
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) < 0 ||
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) < 0 ||
	    connect(fd, (struct sockaddr *)&address, sizeof address) < 0) {
		if (errno == EINPROGRESS) errno = ETIMEDOUT;
		JSValue thrown = host_throw_errno(ctx, "tcpConnect %s port %d", a[0].text, (int)a[1].number);
		if (fd >= 0) close(fd);
		return thrown;
	}
	return JS_NewInt32(ctx, fd);
}

static JSValue udp_connect(JSContext *ctx, const struct argument *a)
{
	struct sockaddr_in address;
	if (read_address(a[0].text, &address) < 0) return host_throw_errno(ctx, "udpConnect %s", a[0].text);
	address.sin_port = htons((uint16_t)a[1].number);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
		return close_and_throw(ctx, fd, "udpConnect", a[0].text);
	return JS_NewInt32(ctx, fd);
}

static JSValue packet_open(JSContext *ctx, const struct argument *a)
{
	const char *name = a[0].text;
	uint16_t type = htons((uint16_t)a[1].number);
	struct sockaddr_ll address = { .sll_family = AF_PACKET, .sll_protocol = type };
	/* 01-80-C2-00-00-0E, nearest bridge: IEEE 802.1AB-2016 table 7-1. Probes also await answers in a VLAN, or to groups,
	 * that the NIC would filter out. */
	struct packet_mreq group = { .mr_type = a[1].number == ETH_P_LLDP ? PACKET_MR_MULTICAST : PACKET_MR_PROMISC,
	                             .mr_alen = 6,
	                             .mr_address = { 0x01, 0x80, 0xc2, 0x00, 0x00, 0x0e } };
	address.sll_ifindex = group.mr_ifindex = (int)if_nametoindex(name);
	if (address.sll_ifindex == 0) return close_and_throw(ctx, -1, "packetOpen", name);
	/* protocol 0 until bind, so that no frame of another interface gets in */
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (fd < 0 || setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &group, sizeof group) < 0 ||
	    bind(fd, (struct sockaddr *)&address, sizeof address) < 0)
		return close_and_throw(ctx, fd, "packetOpen", name);
	return JS_NewInt32(ctx, fd);
}

static JSValue packet_send(JSContext *ctx, const struct argument *a)
{
	return HOST_CHECK(ctx, send((int)a[0].number, a[1].bytes, a[1].length, 0), "packetSend");
}

static JSValue packet_receive(JSContext *ctx, const struct argument *a)
{
	static uint8_t frame[MAX_FRAME];
	struct pollfd ready = { .fd = (int)a[0].number, .events = POLLIN };
	int count = poll(&ready, 1, (int)a[1].number);
	if (count < 0) return host_throw_errno(ctx, "packetReceive");
	if (count == 0) return JS_UNDEFINED;
	ssize_t length = recv(ready.fd, frame, sizeof frame, 0);
	if (length < 0) return host_throw_errno(ctx, "packetReceive");
	return JS_NewArrayBufferCopy(ctx, frame, (size_t)length);
}

/* Which of some descriptors (32 bits each) can be read without waiting, or are at their end: a bit for each. */
static JSValue readable(JSContext *ctx, const struct argument *a)
{
	enum { MAX_POLLED = 16 };
	struct pollfd each[MAX_POLLED];
	size_t count = a[0].length / sizeof(int32_t);
	uint32_t ready = 0;
	if (count == 0 || count > MAX_POLLED) return host_throw(ctx, "readable: expected up to %d descriptors", MAX_POLLED);
	for (size_t i = 0; i < count; i++) {
		int32_t fd;
		memcpy(&fd, a[0].bytes + i * sizeof fd, sizeof fd);
		each[i] = (struct pollfd){ .fd = fd, .events = POLLIN };
	}
	if (poll(each, count, (int)a[1].number) < 0 && errno != EINTR) return host_throw_errno(ctx, "readable");
	for (size_t i = 0; i < count; i++)
		if (each[i].revents) ready |= 1U << i;
	return JS_NewFloat64(ctx, ready);
}

/* One of the old interface ioctls, on a socket that exists only for this call. */
static int interface_ioctl(unsigned long request, void *value)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0) return -1;
	int result = ioctl(fd, request, value), reason = errno;
	close(fd);
	errno = reason;
	return result;
}

static struct ifreq request_for(const char *name)
{
	struct ifreq request = { 0 };
	strncpy(request.ifr_name, name, IFNAMSIZ - 1);
	return request;
}

/* One ethtool command on an interface (linux/ethtool.h). */
static int ethtool(const char *name, void *command)
{
	struct ifreq request = request_for(name);
	request.ifr_data = command;
	return interface_ioctl(SIOCETHTOOL, &request);
}

/* The bit of a private flag, or -1; the driver supplies the names as a table of strings. */
static int private_flag_bit(const char *name, const char *flag)
{
	enum { MAX_FLAGS = 32 }; /* they are bits of one 32-bit word */
	struct { struct ethtool_sset_info info; uint32_t count; } set = {
		.info = { .cmd = ETHTOOL_GSSET_INFO, .sset_mask = 1u << ETH_SS_PRIV_FLAGS } };
	if (ethtool(name, &set) < 0 || set.info.sset_mask == 0 || set.count == 0 || set.count > MAX_FLAGS) return -1;
	struct { struct ethtool_gstrings header; char names[MAX_FLAGS][ETH_GSTRING_LEN]; } strings = {
		.header = { .cmd = ETHTOOL_GSTRINGS, .string_set = ETH_SS_PRIV_FLAGS, .len = set.count } };
	if (ethtool(name, &strings) < 0) return -1;
	for (uint32_t i = 0; i < set.count; i++)
		if (!strncmp(strings.names[i], flag, ETH_GSTRING_LEN)) return (int)i;
	return -1;
}

/* false if the driver has no such flag. */
static JSValue set_private_flag(JSContext *ctx, const struct argument *a)
{
	struct ethtool_value flags = { .cmd = ETHTOOL_GPFLAGS };
	int bit = private_flag_bit(a[0].text, a[1].text);
	if (bit < 0) return JS_FALSE;
	int result = ethtool(a[0].text, &flags);
	flags.cmd = ETHTOOL_SPFLAGS;
	flags.data = JS_ToBool(ctx, a[2].js) ? flags.data | 1u << bit : flags.data & ~(1u << bit);
	if (result == 0) result = ethtool(a[0].text, &flags);
	return result < 0 ? host_throw_errno(ctx, "setPrivateFlag %s %s", a[0].text, a[1].text) : JS_TRUE;
}

/* Three sets of modes: what the NIC can do, what it offers, what its partner offers. */
enum { MODE_SETS = 3, MOST_MODE_WORDS = 127 };

static JSValue link_settings(JSContext *ctx, const struct argument *a)
{
	struct { struct ethtool_link_settings is; uint32_t words[MODE_SETS * MOST_MODE_WORDS]; } link = {
		.is = { .cmd = ETHTOOL_GLINKSETTINGS } };
	/* The kernel answers a wrong size with the right one, negative. */
	int result = ethtool(a[0].text, &link);
	int words = -link.is.link_mode_masks_nwords;
	if (result == 0 && (words <= 0 || words > MOST_MODE_WORDS)) return host_throw(ctx, "linkSettings %s: no sets of modes", a[0].text);
	link.is.cmd = ETHTOOL_GLINKSETTINGS;
	link.is.link_mode_masks_nwords = (int8_t)words;
	if (result == 0) result = ethtool(a[0].text, &link);
	if (result < 0) return host_throw_errno(ctx, "linkSettings %s", a[0].text);
	static const char *const names[MODE_SETS] = { "supported", "advertised", "partner" };
	JSValue answer = JS_NewObject(ctx);
	JS_SetPropertyStr(ctx, answer, "speedMbps", JS_NewFloat64(ctx, link.is.speed > INT32_MAX ? 0 : link.is.speed));
	JS_SetPropertyStr(ctx, answer, "halfDuplex", JS_NewBool(ctx, link.is.duplex == DUPLEX_HALF));
	for (int set = 0; set < MODE_SETS; set++)
		JS_SetPropertyStr(ctx, answer, names[set],
		                  JS_NewArrayBufferCopy(ctx, (uint8_t *)(link.words + set * words), (size_t)words * 4));
	return answer;
}

static JSValue interface_up(JSContext *ctx, const struct argument *a)
{
	struct ifreq request = request_for(a[0].text);
	int result = interface_ioctl(SIOCGIFFLAGS, &request);
	request.ifr_flags |= IFF_UP;
	if (result == 0) result = interface_ioctl(SIOCSIFFLAGS, &request);
	return HOST_CHECK(ctx, result, "interfaceUp %s", a[0].text);
}

/* Replaces the old address and removes the routes through it (SIOCSIFADDR: devinet_ioctl in net/ipv4/devinet.c). */
static JSValue interface_address(JSContext *ctx, const struct argument *a)
{
	struct ifreq request = request_for(a[0].text);
	int length = (int)a[2].number;
	if (length < 0 || length > 32) return host_throw(ctx, "interfaceAddress: expected a prefix length of 0 to 32, found %d", length);
	uint32_t mask = length == 0 ? 0 : htonl(0xffffffffu << (32 - length));
	struct sockaddr_in *address = (struct sockaddr_in *)&request.ifr_addr;
	int result = read_address(a[1].text, address);
	uint32_t own = address->sin_addr.s_addr;
	if (result == 0) result = interface_ioctl(SIOCSIFADDR, &request);
	address->sin_addr.s_addr = mask;
	if (result == 0) result = interface_ioctl(SIOCSIFNETMASK, &request);
	address->sin_addr.s_addr = own | ~mask;
	if (result == 0) result = interface_ioctl(SIOCSIFBRDADDR, &request);
	return HOST_CHECK(ctx, result, "interfaceAddress %s %s/%d", a[0].text, a[1].text, length);
}

static JSValue default_route(JSContext *ctx, const struct argument *a)
{
	enum { MAX_OLD_ROUTES = 16 };
	struct rtentry route = { .rt_flags = RTF_UP };
	struct sockaddr_in any = { .sin_family = AF_INET };
	memcpy(&route.rt_dst, &any, sizeof any);
	memcpy(&route.rt_genmask, &any, sizeof any);
	for (int i = 0; i < MAX_OLD_ROUTES && interface_ioctl(SIOCDELRT, &route) == 0; i++) continue;
	int result = read_address(a[0].text, (struct sockaddr_in *)&route.rt_gateway);
	route.rt_flags |= RTF_GATEWAY;
	if (result == 0) result = interface_ioctl(SIOCADDRT, &route);
	return HOST_CHECK(ctx, result, "defaultRoute %s", a[0].text);
}

const struct host_entry network_entries[] = {
	{ "tcpConnect", "snn", tcp_connect },
	{ "udpConnect", "sn", udp_connect },
	{ "packetOpen", "sn", packet_open },
	{ "packetSend", "nb", packet_send },
	{ "readable", "bn", readable },
	{ "packetReceive", "nn", packet_receive },
	{ "setPrivateFlag", "ssv", set_private_flag },
	{ "linkSettings", "s", link_settings },
	{ "interfaceUp", "s", interface_up },
	{ "interfaceAddress", "ssn", interface_address },
	{ "defaultRoute", "s", default_route },
	{ NULL, NULL, NULL },
};

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tap interfaces, by the ioctls of tun and of bridges.
 */
#include "guests/dom0/cli/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* Puts it up and in the bridge. */
static int join(const char *name, const char *bridge)
{
    struct ifreq request = {.ifr_ifindex = (int)if_nametoindex(name)};
    int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (sock < 0)
        return -1;
    strncpy(request.ifr_name, bridge, IFNAMSIZ - 1);
    int status = ioctl(sock, SIOCBRADDIF, &request);
    if (status != 0 && errno == EBUSY)
        status = 0; /* a further queue of one that is in it */
    if (status == 0) {
        memset(&request, 0, sizeof(request));
        strncpy(request.ifr_name, name, IFNAMSIZ - 1);
        status = ioctl(sock, SIOCGIFFLAGS, &request);
    }
    if (status == 0) {
        request.ifr_flags |= IFF_UP;
        status = ioctl(sock, SIOCSIFFLAGS, &request);
    }
    int error = errno;
    close(sock);
    errno = error;
    return status;
}

int tap_open(const char *name, const char *bridge, bool several)
{
    struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR};
    int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0)
        return -1;
    if (several)
        request.ifr_flags |= IFF_MULTI_QUEUE;
    strncpy(request.ifr_name, name, IFNAMSIZ - 1);
    if (ioctl(fd, TUNSETIFF, &request) == 0 && join(name, bridge) == 0)
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* Why something was done: for tracepoints, and nothing else depends on it */
#ifndef _VIRTSOCK_REASON_H
#define _VIRTSOCK_REASON_H

/**
 * enum virtsock_drop_reason - why a packet did not reach its socket
 * @VIRTSOCK_NOT_DROPPED: it did, as a part of another
 * @VIRTSOCK_DROP_NO_SOCKET: nobody has the port
 * @VIRTSOCK_DROP_REFUSED: too many wait for a listener that stands still
 * @VIRTSOCK_DROP_NO_ROUTE: for another guest
 * @VIRTSOCK_DROP_NO_LINK: sent while there was no link
 * @VIRTSOCK_DROP_LINK_END: waited when its link ended
 * @VIRTSOCK_DROP_SOCKET_END: waited when its socket was given up
 * @VIRTSOCK_DROP_STALE: from a link that has ended, or the answer to such a one
 * @VIRTSOCK_DROP_NO_MEMORY: a reset that there was no memory for
 */
enum virtsock_drop_reason {
	VIRTSOCK_NOT_DROPPED,
	VIRTSOCK_DROP_NO_SOCKET,
	VIRTSOCK_DROP_REFUSED,
	VIRTSOCK_DROP_NO_ROUTE,
	VIRTSOCK_DROP_NO_LINK,
	VIRTSOCK_DROP_LINK_END,
	VIRTSOCK_DROP_SOCKET_END,
	VIRTSOCK_DROP_STALE,
	VIRTSOCK_DROP_NO_MEMORY
};

#endif

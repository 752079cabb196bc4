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
 * @VIRTSOCK_DROP_SOCKET_END: its socket was given up, before or while it waited
 * @VIRTSOCK_DROP_STALE: from a link that has ended, or the answer to such a one
 * @VIRTSOCK_DROP_NO_MEMORY: a reset that there was no memory for
 * @VIRTSOCK_DROP_NO_CREDIT: a message beyond what its receiver can take
 * @VIRTSOCK_DROP_POLICY: to a port that the VM's policy does not allow
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
	VIRTSOCK_DROP_NO_MEMORY,
	VIRTSOCK_DROP_NO_CREDIT,
	VIRTSOCK_DROP_POLICY
};

/**
 * enum virtsock_flush_reason - why the guest flushes
 * @VIRTSOCK_FLUSH_DATA: there is enough, or the policy wants it; size and age of
 *	the batch tell more
 * @VIRTSOCK_FLUSH_REPLY: the answer to something received
 * @VIRTSOCK_FLUSH_MORE: data with MSG_MORE, or a piece of a longer message; otherwise as the
 *	first one
 * @VIRTSOCK_FLUSH_CONTROL: connect, response, shutdown, reset
 * @VIRTSOCK_FLUSH_URGENT: credit that the peer is blocked on
 * @VIRTSOCK_FLUSH_BLOCK: who sent is about to wait
 * @VIRTSOCK_FLUSH_TIMER: the scheduler's timer
 * @VIRTSOCK_FLUSH_LANE: what a lane's worker answered
 * @VIRTSOCK_FLUSH_DOORBELL: the host has rung
 * @VIRTSOCK_FLUSH_AGAIN: another round: somebody found the flush owned, the
 *	host has more, or the ring was too small
 * @VIRTSOCK_FLUSH_WORKER: rounds that were too many, or had no memory, go on
 * @VIRTSOCK_FLUSH_ALIVE: no call for long
 * @VIRTSOCK_FLUSH_SOON: a little credit for a peer that is blocked has waited
 * @VIRTSOCK_FLUSH_PARAM: policy or deadline changed
 * @VIRTSOCK_FLUSH_UP: the link came up
 * @VIRTSOCK_FLUSH_DOWN: the link is about to be taken down
 */
enum virtsock_flush_reason {
	VIRTSOCK_FLUSH_DATA,
	VIRTSOCK_FLUSH_REPLY,
	VIRTSOCK_FLUSH_MORE,
	VIRTSOCK_FLUSH_CONTROL,
	VIRTSOCK_FLUSH_URGENT,
	VIRTSOCK_FLUSH_BLOCK,
	VIRTSOCK_FLUSH_TIMER,
	VIRTSOCK_FLUSH_LANE,
	VIRTSOCK_FLUSH_DOORBELL,
	VIRTSOCK_FLUSH_AGAIN,
	VIRTSOCK_FLUSH_WORKER,
	VIRTSOCK_FLUSH_ALIVE,
	VIRTSOCK_FLUSH_SOON,
	VIRTSOCK_FLUSH_PARAM,
	VIRTSOCK_FLUSH_UP,
	VIRTSOCK_FLUSH_DOWN
};

#endif

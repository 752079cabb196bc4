// SPDX-License-Identifier: GPL-2.0-only
/*
 * How large the buffer of a socket is. It is what the peer may have on the way
 * and in the queue, and what this side may: one that is as large as a batch
 * means a task switch on either side for each batch.
 *
 * So a socket that moves much gets a large one, as with TCP, if the program has
 * said nothing of its own (SO_VM_SOCKETS_BUFFER_SIZE). What all of them have
 * beyond the default is bounded by a part of the machine's memory; a socket
 * that finds none left keeps what it has.
 */
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <virtsock/core.h>

/* What the large buffers may take: one part in so many of the memory */
#define VIRTSOCK_BUF_SHARE	32

static unsigned int buffer_kb = 2048;
module_param(buffer_kb, uint, 0644);
MODULE_PARM_DESC(buffer_kb, "KiB of buffer for a socket that moves much and whose program sets none (default 2048; 256 and less: as any other)");

/* Bytes that sockets have in hand beyond the default */
static atomic_long_t virtsock_buf_taken;

static int virtsock_buf_show(char *buf, const struct kernel_param *kp)
{
	return sysfs_emit(buf, "%ld\n", atomic_long_read(&virtsock_buf_taken) / 1024);
}

/* The kernel calls it for a parameter at load, whatever the mode. */
static int virtsock_buf_set(const char *val, const struct kernel_param *kp)
{
	return -EPERM;
}

static const struct kernel_param_ops virtsock_buf_ops = {
	.set = virtsock_buf_set,
	.get = virtsock_buf_show,
};

module_param_cb(buffers_grown_kb, &virtsock_buf_ops, NULL, 0444);
MODULE_PARM_DESC(buffers_grown_kb, "KiB that sockets may use beyond the default now; at most 1/32 of the memory");

/* Both directions: what it receives, and what it has on the way */
static bool virtsock_buf_take(u32 bytes)
{
	long most = totalram_pages() / VIRTSOCK_BUF_SHARE * PAGE_SIZE;

	if (atomic_long_add_return(2L * bytes, &virtsock_buf_taken) <= most)
		return true;
	atomic_long_sub(2L * bytes, &virtsock_buf_taken);
	return false;
}

/**
 * virtsock_buf_grow() - a larger buffer for a socket that can use it
 * @vs: the socket
 *
 * Once in its life, and where there is memory for it. What the program sees of
 * it is its throughput: getsockopt() says what it said before, and no message
 * may be longer for it.
 *
 * Context: process, socket locked.
 */
void virtsock_buf_grow(struct virtsock_sock *vs)
{
	u64 size = min_t(u64, READ_ONCE(buffer_kb) * 1024ULL,
			 VIRTIO_VSOCK_MAX_BUF_SIZE);
	u32 more;

	if (vs->buf_fixed || vs->buf_grown || size <= vs->buf_size)
		return;
	more = size - vs->buf_size;
	if (!virtsock_buf_take(more))
		return;
	vs->buf_grown = true;
	vs->buf_taken = more;
	spin_lock_bh(&vs->lock);
	spin_lock(&vs->vvs.rx_lock);
	vs->vvs.buf_alloc = size;
	spin_unlock(&vs->vvs.rx_lock);
	vs->buf_size = size;
	spin_unlock_bh(&vs->lock);
}

/**
 * virtsock_buf_release() - a socket's state goes
 * @vs: the socket
 *
 * Context: any; nobody else uses @vs.
 */
void virtsock_buf_release(struct virtsock_sock *vs)
{
	atomic_long_sub(2L * vs->buf_taken, &virtsock_buf_taken);
}

/**
 * virtsock_notify_buffer_size() - SO_VM_SOCKETS_BUFFER_SIZE was set
 * @vsk: the socket
 * @val: the size asked for, in bytes; what comes back is the program's view
 *
 * A buffer smaller than what a kernel that charges for entries needs for them
 * could receive nothing at all, so at least that much is kept inside. One that
 * shrinks still takes what was promised to the peer; only the promises end.
 *
 * Context: process, socket locked.
 */
void virtsock_notify_buffer_size(struct vsock_sock *vsk, u64 *val)
{
	u64 inner = clamp_t(u64, *val, VIRTSOCK_COMPAT_BUF_MIN,
			    VIRTIO_VSOCK_MAX_BUF_SIZE);
	struct virtsock_sock *vs = vsk->trans;
	u64 alloc;

	/* What it has taken was promised to the peer. */
	vs->buf_fixed = true;
	vs->buf_grown = false;
	spin_lock_bh(&vs->lock);
	spin_lock(&vs->vvs.rx_lock);
	vs->vvs.buf_alloc = max_t(u32, inner, vs->vvs.buf_alloc);
	alloc = vs->vvs.buf_alloc;
	spin_unlock(&vs->vvs.rx_lock);
	vs->buf_size = inner;
	spin_unlock_bh(&vs->lock);
	virtio_transport_notify_buffer_size(vsk, &alloc);
	if (*val > inner)
		*val = inner;
}

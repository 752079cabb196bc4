// SPDX-License-Identifier: GPL-2.0-only
/* pull.c as it is, and its budgets, which no header tells */
#include <linux/virtio_vsock.h>
/* As where receivers take pages: what does not is a part of that */
#undef VIRTSOCK_COMPAT_RX_FRAGS
#define VIRTSOCK_COMPAT_RX_FRAGS 1
#include "pull.c"
#include "fuzz.h"

const u32 fuzz_pull_bytes = VIRTSOCK_PULL_BYTES;
const u32 fuzz_pull_records = VIRTSOCK_PULL_RECORDS;
const u32 fuzz_pull_answers = VIRTSOCK_PULL_ANSWERS;
const u32 fuzz_pull_packets = VIRTSOCK_CHUNK_PACKETS;

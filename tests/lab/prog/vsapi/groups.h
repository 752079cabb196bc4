/* SPDX-License-Identifier: GPL-2.0-only */
/* One array for each file of subtests; ends with an empty entry. */
#ifndef VSAPI_GROUPS_H
#define VSAPI_GROUPS_H

#include "vsapi.h"

extern const struct vsapi_test conn_tests[];
extern const struct vsapi_test bind_tests[];
extern const struct vsapi_test poll_tests[];
extern const struct vsapi_test close_tests[];
extern const struct vsapi_test share_tests[];
extern const struct vsapi_test lowat_tests[];
extern const struct vsapi_test timeo_tests[];
extern const struct vsapi_test bufsize_tests[];
extern const struct vsapi_test flags_tests[];
extern const struct vsapi_test iovec_tests[];
extern const struct vsapi_test signal_tests[];
extern const struct vsapi_test queue_tests[];
extern const struct vsapi_test splice_tests[];
extern const struct vsapi_test zerocopy_tests[];
extern const struct vsapi_test uring_tests[];
extern const struct vsapi_test sockmap_tests[];

#endif

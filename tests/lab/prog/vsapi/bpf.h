/* SPDX-License-Identifier: GPL-2.0-only */
/* sockmap, and the programs that redirect between its sockets */
#ifndef VSAPI_BPF_H
#define VSAPI_BPF_H

#include <stdbool.h>
#include <stdint.h>

int map_new(void);
int map_put(int map, uint32_t key, int fd);
int map_del(int map, uint32_t key);
int verdict_redirect(int map, uint32_t key, bool ingress);
int verdict_const(int verdict);
int verdict_msg(int map, uint32_t key, bool ingress);
int verdict_attach(int map, int prog, bool msg);

#endif

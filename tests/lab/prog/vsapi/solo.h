/* SPDX-License-Identifier: GPL-2.0-only */
/* Scenes with one program of ours, where the link itself goes away */
#ifndef VSAPI_SOLO_H
#define VSAPI_SOLO_H

struct vsapi_solo {
	const char *name;
	void (*run)(unsigned int port);
};

extern const struct vsapi_solo vsapi_solos[];

#endif

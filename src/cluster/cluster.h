// SPDX-License-Identifier: Apache-2.0
#pragma once
/* The instance groups of this server and the machine below them. */

#include "base/cleanup.h"
#include "cluster/group.h"

struct cluster;
struct err;
struct settings;

struct cluster *cluster_new(const struct settings *settings, struct err *err);
void cluster_free(struct cluster *c);
DEFINE_FREEP(cluster)

/* By name; NULL or "" is the default group. An unknown name is ERR_BAD_INPUT that lists the groups and
 * the setting that adds one, or the default group, as cluster.unknown_group says. */
struct group *cluster_group(struct cluster *c, const char *name, struct err *err);
struct group *cluster_group_by_id(struct cluster *c, const char *id);      /* NULL when unknown */
struct group *cluster_each(struct cluster *c, int i);                      /* NULL past the last */
bool cluster_has_gpu(const struct cluster *c);

/* GPU devices found by NVML, loaded at run time; 0 without a driver. Fills up to GPUS_MAX indices. */
int gpus_find(int index[GPUS_MAX]);

// SPDX-License-Identifier: Apache-2.0
#pragma once
/* How the processes of one distributed task find each other on this machine. */

#include "frameworks/variables.h"

struct err;
struct mem;
struct text;

enum { PORTS_MAX = 1024 }; /* processes of one task that need a port */

/* `n` different TCP ports of 127.0.0.1 that nobody listens on now. ERR_UNAVAILABLE when there are
 * not so many. */
int ports_find(int n, int *ret, struct err *err);

/* PyTorch: MASTER_ADDR, MASTER_PORT, WORLD_SIZE, RANK, LOCAL_RANK. */
void torch_variables(struct variables *v, int port, int n_workers, int rank);

/* One process of a TensorFlow cluster: the workers first in `ports`, then the parameter servers. */
struct tf_member {
    const int *ports;
    int n_workers, n_ps;
    const char *job; /* "worker" or "ps" */
    int index;
};

/* The JSON of TF_CONFIG, and "host:port,host:port" of the members with that job. */
void tf_config(const struct tf_member *m, struct text *out);
void tf_hosts(const struct tf_member *m, const char *job, struct text *out);

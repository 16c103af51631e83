// SPDX-License-Identifier: Apache-2.0
#include "frameworks/rendezvous.h"

#include "base/cleanup.h"
#include "base/err.h"
#include "base/text.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#define HOST "127.0.0.1"

/* A port chosen by the system. The socket stays open in *ret_fd, so that the next one differs. */
static int port_find(int *ret_fd, int *ret_port)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof at;

    *ret_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (*ret_fd < 0 || bind(*ret_fd, (struct sockaddr *)&at, sizeof at) < 0 ||
        getsockname(*ret_fd, (struct sockaddr *)&at, &len) < 0)
        return -1;
    *ret_port = ntohs(at.sin_port);
    return 0;
}

int ports_find(int n, int *ret, struct err *err)
{
    int fds[PORTS_MAX], rc = 0, opened = 0;

    assert(n <= PORTS_MAX);
    for (; opened < n && rc == 0; opened++)
        rc = port_find(&fds[opened], &ret[opened]);
    if (rc < 0)
        err_errno(err, ERR_UNAVAILABLE, "no free TCP port on " HOST);
    while (opened-- > 0)
        fd_closep(&fds[opened]);
    return rc;
}

void torch_variables(struct variables *v, int port, int n_workers, int rank)
{
    variables_set(v, "MASTER_ADDR", HOST);
    variables_setf(v, "MASTER_PORT", "%d", port);
    variables_setf(v, "WORLD_SIZE", "%d", n_workers);
    variables_setf(v, "RANK", "%d", rank);
    variables_set(v, "LOCAL_RANK", "0"); /* each worker sees its own devices only */
}

static void add_hosts(const struct tf_member *m, const char *job, const char *before,
                      const char *after, struct text *out)
{
    bool ps = strcmp(job, "ps") == 0;
    const int *ports = m->ports + (ps ? m->n_workers : 0);
    int n = ps ? m->n_ps : m->n_workers;

    for (int i = 0; i < n; i++)
        text_addf(out, "%s%s" HOST ":%d%s", i ? "," : "", before, ports[i], after);
}

void tf_config(const struct tf_member *m, struct text *out)
{
    text_add(out, "{\"cluster\": {\"worker\": [");
    add_hosts(m, "worker", "\"", "\"", out);
    text_add(out, "]");
    if (m->n_ps > 0) {
        text_add(out, ", \"ps\": [");
        add_hosts(m, "ps", "\"", "\"", out);
        text_add(out, "]");
    }
    text_addf(out, "}, \"task\": {\"type\": \"%s\", \"index\": %d}}", m->job, m->index);
}

void tf_hosts(const struct tf_member *m, const char *job, struct text *out)
{
    add_hosts(m, job, "", "", out);
}

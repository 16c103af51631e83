// SPDX-License-Identifier: Apache-2.0
#include "base/orders.h"

#include "cluster/local/local.h"

#include "base/text.h"

#include <string.h>

enum { OTHERS_MS = 30000 };     /* for distributed workers to see that one has failed, and say so */

static void add_text(struct text *out, const char *s) { text_add_n(out, s, strlen(s) + 1); }

static void add_number(struct text *out, int64_t value)
{
    text_add_int(out, value);
    text_add_char(out, '\0');
}

static int64_t count(const char *const *list)
{
    int64_t n = 0;

    while (list[n])
        n++;
    return n;
}

static void add_list(struct text *out, const char *const *list)
{
    for (; *list; list++)
        add_text(out, *list);
}

static void add_process(struct text *out, const struct launch_process *p, const char *exec_id)
{
    add_text(out, p->label);
    add_text(out, p->service ? "1" : "0");
    add_text(out, p->channel ? "1" : "0");
    add_number(out, count(p->argv));
    add_list(out, p->argv);
    add_number(out, count(p->env) + 1);
    add_list(out, p->env);
    text_add(out, "TRAINYARD_TASK=");
    add_text(out, exec_id);
}

void orders_text(const struct launch *launch, const struct user *user, const struct offer *offer,
                 struct text *out)
{
    add_text(out, ORDERS_VERSION);
    add_text(out, launch->exec_id);
    add_text(out, launch->run_dir);
    add_text(out, launch->cwd);
    if (user) {
        user_orders(user, out);
    } else {
        add_text(out, "");
        add_number(out, /* gid= */ 0);
        add_number(out, /* n_groups= */ 0);
    }
    add_number(out, launch->wall_ms);
    add_number(out, launch->grace_ms);
    add_number(out, launch->others_ms > 0 ? launch->others_ms : OTHERS_MS);
    add_number(out, launch->memory_bytes);
    add_number(out, launch->files_max);
    add_text(out, launch->leash ? "1" : "0");
    add_number(out, launch->log_max_bytes);
    add_text(out, offer && offer->fd >= 0 ? "1" : "0");
    add_text(out, offer ? offer->how : "");
    add_number(out, launch->n_processes);
    for (int i = 0; i < launch->n_processes; i++)
        add_process(out, &launch->processes[i], launch->exec_id);
}

// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Between the files of the local back end; nobody else includes this. */

#include "cluster/backend.h"

#include <stddef.h>
#include <sys/types.h>

struct text;
struct user;        /* an OS user with its groups */

/* record.c. Reads the text of an exit record into `ret`, except exec_id; ret->reason points into `text`,
 * which is changed. False when it is not complete. */
bool record_parse(char *text, struct report *ret);

struct offer {              /* of a warm interpreter: warm_offer() */
    int fd;                 /* the shepherd's end of a pair with it; -1: the process is to be started anew */
    char how[320];          /* that is, for launcher.log; "" when there is nothing to say */
};

/* orders.c. What the shepherd reads from ORDERS_FILE; `user` NULL: the server's; `offer` NULL: none. The
 * marker TRAINYARD_TASK=<exec_id> is added to the environment of each process. */
void orders_text(const struct launch *launch, const struct user *user, const struct offer *offer,
                 struct text *out);

/* users.c. The look-up may ask the network, so it happens when the back end opens. */
struct user *user_find(const char *name, struct err *err);      /* ERR_BAD_INPUT when unknown */
void user_free(struct user *u);
bool user_is_us(const struct user *u);
void user_orders(const struct user *u, struct text *out);       /* uid, gid, n_groups, groups */

/* remains.c. Kills what lives on of a task whose shepherd was killed, and waits until it is dead. Blocks:
 * for a worker thread. Whom it kills: processes with the task's marker in their environment, and
 * members of the process groups that the shepherd wrote down. */
void remains_kill(const char *exec_id, const char *run_dir);

/* spawn.c. Starts the shepherd of a task and closes lock_fd, on failure too, so that only the shepherd
 * holds the lock; that of the offer likewise. Returns our end of the socket.
 * ERR_UNAVAILABLE when the program cannot be run. */
int shepherd_spawn(const char *program, const struct launch *launch, const struct user *user, int lock_fd,
                   const struct offer *offer, pid_t *ret_pid, struct err *err);

/* The same for a helper; `channel` is its ends of ORDERS_REQUESTS and ORDERS_ANSWERS, which are closed, too. */
int helper_spawn(const char *program, const struct launch *launch, const struct user *user, int lock_fd,
                 const int channel[2], pid_t *ret_pid, struct err *err);

/* The same for a warm interpreter, the only process of `launch`, which nothing is locked for. */
int warm_spawn(const char *program, const struct launch *launch, const struct user *user, pid_t *ret_pid,
               struct err *err);

// SPDX-License-Identifier: Apache-2.0
#pragma once
/* What the server, trainyard-shepherd and runtime/python/tools/warm.py agree on, so that a Python program
 * starts with its imports done. docs/adr/0003-warm-interpreters.md says why it is built this way.
 *
 *   server ──── interpreter          a warm interpreter: has imported what the program will import
 *     │              └─ sheepdog     a small process of the program's user, one per program
 *   shepherd             └─ program  forked from the interpreter; becomes the program
 *
 * The server starts `trainyard-shepherd warm` with these descriptors, and it becomes the interpreter:
 *   0, 1, 2          /dev/null
 *   ORDERS_SOCKET    its end of a SOCK_SEQPACKET pair with the server
 *   ORDERS_FILE      orders (base/orders.h) with one process: the command and environment of warm.py
 * warm.py finds the first where it was, trainyard-shepherd (to be executed) in place of the second, and
 * on WARM_OUT and WARM_ERR the reading ends of its own stdout and stderr, which are pipes.
 *
 * Messages between the server and the interpreter:
 *   to the interpreter   "fork" with one end of a pair whose other end a shepherd gets as ORDERS_WARM;
 *                        at any time: those that come while it imports wait
 *   to the server        "ready"                  once, when it has imported all
 *                        "refused <why>"          once instead; then it exits
 *                        "forked"                 after each request
 *
 * On that pair:
 *   from the shepherd    "orders" with three descriptors: a file with the working directory and then the
 *                        lists of orders, argc argv... envc env...; stdout; stderr
 *                        "go"                     the program may run; before it nothing of it has
 *   to the shepherd      "sheepdog"               from the sheepdog
 *                        "ready"                  from the program's process, which has all it needs
 *                        "refused <why>"          from that process, or from an interpreter that refuses; it exits
 *                        "exit <code>" or "signal <number>"   from the sheepdog, when the program ended.
 *                                                 The sheepdog goes when no descendant is left
 * The shepherd believes the kernel about who sent what (SO_PASSCRED). When the pair is closed, or brings
 * what it does not expect, or it has not got both messages after WARM_PATIENCE_MS, it closes the pair, which
 * ends the other side, and starts the program anew. An interpreter that takes longer than
 * WARM_IMPORT_MS, or than WARM_ANSWER_MS once it is ready, is killed by the server, which closes the pairs
 * that it has. When the shepherd's end goes, the sheepdog kills what is left.
 *
 * Whoever goes with messages unread makes the kernel tell ECONNRESET, once, before the last words that he said. */

#include <stdbool.h>
#include <stddef.h>

enum {
    WARM_OUT = 5,
    WARM_ERR = 7,
    WARM_IMPORT_MS = 120 * 1000,        /* a large framework from a cold disk takes half of it */
    WARM_ANSWER_MS = 2000,      /* a machine that needs longer to fork gains nothing by it */
    WARM_PATIENCE_MS = WARM_IMPORT_MS + 10 * 1000,      /* the server comes first, unless it hangs itself */
    WARM_MESSAGE_MAX = 240,     /* bytes */
    WARM_FDS_MAX = 3,           /* in one message */
};

/* "exit <0..255>" or "signal <1..64>" as a wait status; false for anything else. */
bool warm_end_parse(const char *message, int *ret_wait_status);

/* The reason in "refused <why>", with '?' for quotes and what is not printable ASCII; NULL for anything else.
 * Changes and points into `message`. */
char *warm_refusal(char *message);

/* Sends `word` with up to WARM_FDS_MAX descriptors, which stay the caller's. Never blocks; false: it was not sent. */
bool warm_send(int to, const char *word, const int *fds, size_t n);

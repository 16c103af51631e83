// SPDX-License-Identifier: Apache-2.0
#pragma once
/* What the server and trainyard-shepherd agree on. The server writes the orders of one task and reads
 * its exit record; the shepherd does the opposite.
 *
 * A shepherd is started with these descriptors and nothing else:
 *   0, 1, 2          /dev/null
 *   ORDERS_SOCKET    its end of a SOCK_SEQPACKET pair: the server is connected from the start
 *   ORDERS_FILE      the orders, from offset 0
 *   ORDERS_LOCK      LOCK_FILE of the run directory, already locked: whoever finds it locked knows that
 *                    the shepherd lives, even before the shepherd's first instruction
 *   ORDERS_REQUESTS, ORDERS_ANSWERS
 *                    only when a process has `channel`: what becomes its stdin and stdout
 *   ORDERS_WARM      only with `warm`: see base/warm.h
 * in a session of its own, with all signals blocked and none ignored.
 *
 * The orders are NUL-ended strings, numbers in decimal:
 *   ORDERS_VERSION exec_id run_dir cwd
 *   uid gid n_groups group...                uid "" (and nothing in gid, 0 groups): stay who you are
 *   wall_ms grace_ms others_ms memory_bytes files_max
 *   leash("0", "1") log_max_bytes            leash: everything ends as soon as the server is gone
 *   warm("0", "1") how                       how, for launcher.log: a warm interpreter starts the only process, or
 *                                            why none does; "" when there is nothing to say
 *   n_processes, and for each: label service("0", "1") channel("0", "1") argc argv... envc env...
 *
 * Files in the run directory:
 *   LOCK_FILE     empty: nothing was started yet. Then lines "machine <boot id>", "shepherd <pid> <when>",
 *                 "group <pgid> <when>"...; when: ms since the machine started, which no clock that is set can change
 *   EXIT_FILE     the exit record, written aside and renamed: lines key=value, all of
 *                 code signal stopped reason started_ms ended_ms. code is -1 when signalled. None on a leash
 *   SOCKET_FILE   where the next server connects; there only while none is connected. Renamed to this
 *                 name when it already listens. None on a leash
 *   <label>.out, <label>.err, <label>.both, launcher.log; of a process with `channel` <label>.log, its stderr, and
 *   <label>.log.old, what came before: both together stay below log_max_bytes
 *
 * Messages on the socket:
 *   to the shepherd   "stop <grace_ms>"
 *   to the server     "started <unix ms>" after each connect (not on the inherited pair)
 *                     "ended\n" and the text of the exit record; then the shepherd exits */

#define ORDERS_VERSION "3"
#define LOCK_FILE      "lock"
#define BOOT_ID_FILE   "/proc/sys/kernel/random/boot_id"
#define EXIT_FILE      "exit"
#define SOCKET_FILE    "sock"

enum {
    ORDERS_SOCKET = 3,
    ORDERS_FILE = 4,
    ORDERS_LOCK = 5,
    ORDERS_REQUESTS = 6,
    ORDERS_ANSWERS = 7,
    ORDERS_WARM = 8,
    ORDERS_MESSAGE_MAX = 1024,      /* bytes of one message, and of an exit record */
};

// SPDX-License-Identifier: Apache-2.0
#include "shepherd/shepherd.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/orders.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>


/* --- the socket --- */

static void forget_connection(struct shepherd *s)
{
    fd_closep(&s->connection);
    s->connection = -1;
    if (s->orders.leash)
        stop_all(s, /* grace_ms= */ 0);
    else if (s->at_home)
        talk_listen(s);
}

static void obey(struct shepherd *s, const char *message)
{
    int64_t grace_ms;

    if (sscanf(message, "stop %" SCNd64, &grace_ms) != 1)
        return;
    if (workers_alive(s) && !s->stopped) {
        s->stopped = true;
        note(s, "asked to stop");
    }
    stop_all(s, grace_ms);
}

void talk_receive(struct shepherd *s)
{
    char message[ORDERS_MESSAGE_MAX + 1];
    ssize_t len = recv(s->connection, message, sizeof message - 1, MSG_DONTWAIT);

    if (len < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (len <= 0) {
        forget_connection(s);
        return;
    }
    message[len] = '\0';
    obey(s, message);
}

/* Under another name until it listens, so that nobody finds it deaf. Relative, since the path of the
 * run directory may be longer than a socket's address. */
static int open_listener(void)
{
    static const char aside[] = SOCKET_FILE ".new";
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    CLEANUP(fd_closep) int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    memcpy(address.sun_path, aside, sizeof aside);
    unlink(aside);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, 4) < 0)
        return -1;
    if (rename(aside, SOCKET_FILE) < 0)
        return -1;
    return TAKE_FD(fd);
}

void talk_listen(struct shepherd *s)
{
    s->listener = open_listener();
    s->retry_ms = s->listener < 0 ? clock_mono_ms() + RETRY_MS : 0;
}

void talk_accept(struct shepherd *s)
{
    int fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    char message[64];
    int len;

    if (fd < 0)
        return;
    s->connection = fd;
    fd_closep(&s->listener);    /* one server at a time; the next finds a socket made anew */
    s->listener = -1;
    unlink(SOCKET_FILE);
    len = snprintf(message, sizeof message, "started %" PRId64, s->started_ms);
    if (send(fd, message, (size_t)len, MSG_NOSIGNAL) < 0)
        forget_connection(s);
}

/* --- the end --- */

static int record_text(const struct shepherd *s, char *buf, size_t size)
{
    int len = snprintf(buf, size, "code=%d\nsignal=%d\nstopped=%d\nreason=%s\n"
                       "started_ms=%" PRId64 "\nended_ms=%" PRId64 "\n",
                       s->code, s->signal, s->stopped, s->reason, s->started_ms, s->ended_ms);

    return len < (int)size ? len : (int)size - 1;
}

/* Whole or not at all, and `durable` also through a power cut. A server that is there commits what it is
 * told, many ends at a time; only without one is this file the last word. */
static bool write_record(const char *text, size_t len, bool durable)
{
    static const char aside[] = EXIT_FILE ".new";
    CLEANUP(fd_closep) int fd = open(aside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);

    return fd >= 0 && write(fd, text, len) == (ssize_t)len && (!durable || fdatasync(fd) == 0)
        && rename(aside, EXIT_FILE) == 0;
}

bool talk_ended(struct shepherd *s)
{
    static const char head[] = "ended\n";
    char message[ORDERS_MESSAGE_MAX];
    char *record = message + sizeof head - 1;
    int len;
    bool done;

    memcpy(message, head, sizeof head - 1);
    len = record_text(s, record, sizeof message - sizeof head);
    done = s->orders.leash
        || (s->at_home && write_record(record, (size_t)len, /* durable= */ s->connection < 0));
    if (s->connection >= 0 && send(s->connection, message, sizeof head - 1 + (size_t)len, MSG_NOSIGNAL) > 0)
        done = true;
    else if (!done && s->listener < 0)
        forget_connection(s);
    s->retry_ms = done ? 0 : clock_mono_ms() + RETRY_MS;
    return done;
}

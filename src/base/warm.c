// SPDX-License-Identifier: Apache-2.0
#include "base/warm.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* What follows `word` and one blank; NULL when the message is another. */
static const char *after(const char *message, const char *word)
{
    size_t len = strlen(word);

    return strncmp(message, word, len) == 0 && message[len] == ' ' ? message + len + 1 : NULL;
}

static bool number(const char *text, long min, long max, int *ret)
{
    char *end;
    long value = strtol(text, &end, 10);

    if (*text < '0' || *text > '9' || *end || value < min || value > max)
        return false;
    *ret = (int)value;
    return true;
}

bool warm_end_parse(const char *message, int *ret_wait_status)
{
    const char *code = after(message, "exit"), *sig = after(message, "signal");
    int value;

    if (code && number(code, 0, 255, &value)) {
        *ret_wait_status = value << 8;
        return true;
    }
    return sig && number(sig, 1, 64, ret_wait_status);
}

char *warm_refusal(char *message)
{
    char *why = message + strlen("refused ");

    if (!after(message, "refused"))
        return NULL;
    for (char *c = why; *c; c++)
        if (*c < ' ' || *c > '~' || *c == '"')
            *c = '?';
    return why;
}

bool warm_send(int to, const char *word, const int *fds, size_t n)
{
    union {
        char bytes[CMSG_SPACE(WARM_FDS_MAX * sizeof *fds)];
        struct cmsghdr align;
    } room = {0};
    struct iovec text = { (char *)word, strlen(word) };
    struct msghdr message = { .msg_iov = &text, .msg_iovlen = 1, .msg_control = room.bytes,
                              .msg_controllen = CMSG_SPACE(n * sizeof *fds) };
    struct cmsghdr *c = CMSG_FIRSTHDR(&message);

    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(n * sizeof *fds);
    memcpy(CMSG_DATA(c), fds, n * sizeof *fds);
    return sendmsg(to, &message, MSG_NOSIGNAL | MSG_DONTWAIT) > 0;
}

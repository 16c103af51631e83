// SPDX-License-Identifier: Apache-2.0
#include "base/archive.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

enum { TAR_BLOCK = 512 };

static bool is_tar_header(const unsigned char *block)
{
    long sum = 0, told = strtol((const char[9]){ block[148], block[149], block[150], block[151],
                                                 block[152], block[153], block[154] }, NULL, 8);

    for (int i = 0; i < TAR_BLOCK; i++)
        sum += i >= 148 && i < 156 ? ' ' : block[i];    /* the sum counts itself as blanks */
    return told == sum;
}

bool archive_is(const char *path)
{
    static const struct { const char *magic; size_t len; } starts[] = {
        { "\x1F\x8B", 2 }, { "BZh", 3 }, { "\xFD" "7zXZ\0", 6 }, { "\x28\xB5\x2F\xFD", 4 },
        { "PK\3\4", 4 }, { "PK\5\6", 4 },
    };
    CLEANUP(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
    unsigned char block[TAR_BLOCK] = {0};
    ssize_t n = fd < 0 ? -1 : read(fd, block, sizeof block);

    for (size_t i = 0; i < ARRAY_LEN(starts); i++) {
        if (n >= (ssize_t)starts[i].len && memcmp(block, starts[i].magic, starts[i].len) == 0)
            return true;
    }
    return n == TAR_BLOCK && is_tar_header(block);
}

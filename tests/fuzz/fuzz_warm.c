// SPDX-License-Identifier: Apache-2.0
/* What an interpreter and a sheepdog say: processes with the rights of a user, who may have changed them. */

#include "base/warm.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    char *text = malloc(size + 1);
    const char *why;
    int status;

    if (!text)
        abort();
    memcpy(text, data, size);
    text[size] = '\0';
    if (warm_end_parse(text, &status) && !WIFEXITED(status) && !(WIFSIGNALED(status) && WTERMSIG(status) <= 64))
        abort();
    why = warm_refusal(text);
    for (; why && *why; why++)
        if (*why < ' ' || *why > '~')
            abort();
    free(text);
    return 0;
}

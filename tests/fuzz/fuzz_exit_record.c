// SPDX-License-Identifier: Apache-2.0
/* The exit record, which a power cut may have left in any state. */

#include "cluster/local/local.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
    char *text = malloc(size + 1);
    struct report report;

    if (!text)
        abort();
    memcpy(text, data, size);
    text[size] = '\0';
    if (record_parse(text, &report) && (report.exit_code < -1 || report.exit_code > 255))
        abort();
    free(text);
    return 0;
}

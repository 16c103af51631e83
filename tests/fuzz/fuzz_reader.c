// SPDX-License-Identifier: Apache-2.0
/* Whatever the reader accepts is written as strict JSON that reads back equal; whatever jansson
 * accepts, the reader accepts with the same meaning, within its limits. */
#include "base/reader.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/field.h"
#include "base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_round_trip(const json_t *value)
{
    CLEANUP(text_done) struct text out = {0};
    CLEANUP(json_decrefp) json_t *again = NULL;
    CLEANUP(json_decrefp) json_t *strict = NULL;
    struct err err = {0};

    json_to_text(value, &out);
    again = reader_parse(out.data, out.len, &err);
    strict = json_loadb(out.data, out.len, JSON_DECODE_ANY, NULL);
    if (!again || !strict || !json_equal(again, value) || !json_equal(strict, value))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(json_decrefp) json_t *value = NULL;
    CLEANUP(json_decrefp) json_t *strict = NULL;
    struct err err = {0};

    if (!memchr(data, '\0', size))      /* jansson takes a NUL for the end */
        strict = json_loadb((const char *)data, size, JSON_DECODE_ANY, NULL);
    value = reader_parse((const char *)data, size, &err);
    if (!value && (err.kind == ERR_NONE || !err.text[0]))
        abort();
    if (strict && value && !json_equal(strict, value))
        abort();
    if (strict && !value && !strstr(err.text, "more than"))
        abort();
    if (value)
        check_round_trip(value);
    return 0;
}

// SPDX-License-Identifier: Apache-2.0
#include "cluster/local/local.h"

#include "base/cleanup.h"

#include <stdlib.h>
#include <string.h>

enum { N_KEYS = 6 };

/* A whole decimal number, all of the text. */
static bool number(const char *text, int64_t min, int64_t max, int64_t *ret)
{
    char *end;
    long long value = strtoll(text, &end, 10);

    if (end == text || *end || value < min || value > max)
        return false;
    *ret = value;
    return true;
}

/* Takes the line "<key>=<value>\n" off the front. */
static char *take_value(char **text, const char *key)
{
    size_t len = strlen(key);
    char *value = *text + len + 1;
    char *end;

    if (strncmp(*text, key, len) != 0 || (*text)[len] != '=')
        return NULL;
    end = strchr(value, '\n');
    if (!end)
        return NULL;
    *end = '\0';
    *text = end + 1;
    return value;
}

bool record_parse(char *text, struct report *ret)
{
    static const char *const keys[N_KEYS] = {
        "code", "signal", "stopped", "reason", "started_ms", "ended_ms",
    };
    char *values[N_KEYS];
    int64_t code, sig, stopped, started_ms, ended_ms;

    for (int i = 0; i < N_KEYS; i++) {
        values[i] = take_value(&text, keys[i]);
        if (!values[i])
            return false;
    }
    if (!number(values[0], -1, 255, &code) || !number(values[1], 0, 64, &sig)
        || !number(values[2], 0, 1, &stopped) || !number(values[4], 0, INT64_MAX, &started_ms)
        || !number(values[5], 0, INT64_MAX, &ended_ms))
        return false;

    *ret = (struct report){
        .kind = REPORT_ENDED, .exit_code = (int)code, .signal = (int)sig, .stopped = stopped,
        .reason = values[3][0] ? values[3] : NULL, .started_ms = started_ms, .ended_ms = ended_ms,
    };
    return true;
}

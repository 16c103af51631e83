// SPDX-License-Identifier: Apache-2.0
#include "accounts/credentials.h"

#include "base/err.h"
#include "base/mem.h"

#include <sodium.h>
#include <string.h>
#include <strings.h>

static int malformed(struct err *err, const char *why)
{
    return err_set(err, ERR_NO_LOGIN, "the Authorization header cannot be read: %s", why);
}

static int parse_basic(const char *value, struct mem *mem, struct credentials *ret, struct err *err)
{
    size_t len = strlen(value), size;
    char *pair = mem_alloc(mem, len + 1), *colon;

    while (len > 0 && (value[len - 1] == '=' || value[len - 1] == ' ')) /* padding is optional */
        len--;
    if (sodium_base642bin((unsigned char *)pair, len, value, len, NULL, &size, NULL,
                          sodium_base64_VARIANT_ORIGINAL_NO_PADDING) != 0)
        return malformed(err, "Basic is not followed by base64");
    if (memchr(pair, '\0', size))
        return malformed(err, "there is a NUL byte in it");
    colon = memchr(pair, ':', size);
    if (!colon)
        return malformed(err, "Basic needs user:password");
    *colon = '\0';
    *ret = (struct credentials){ .login = LOGIN_BASIC, .user = pair, .password = colon + 1 };
    return 0;
}

/* token=<token>, perhaps quoted */
static int parse_platform(const char *value, struct mem *mem, struct credentials *ret,
                          struct err *err)
{
    static const char prefix[] = "token=";
    size_t len;

    if (strncasecmp(value, prefix, sizeof prefix - 1) != 0)
        return malformed(err, "PlatformToken needs token=...");
    value += sizeof prefix - 1;
    if (*value == '"')
        value++;
    len = strcspn(value, "\", ");
    *ret = (struct credentials){ .login = LOGIN_TOKEN, .token = mem_strndup(mem, value, len) };
    return 0;
}

static int parse_bearer(const char *value, struct mem *mem, struct credentials *ret,
                        struct err *err)
{
    size_t len = strcspn(value, " ");

    if (len == 0)
        return malformed(err, "Bearer needs a token");
    *ret = (struct credentials){ .login = LOGIN_TOKEN, .token = mem_strndup(mem, value, len) };
    return 0;
}

int credentials_parse(const char *authorization, struct mem *mem, struct credentials *ret,
                      struct err *err)
{
    static const struct {
        const char *scheme;
        int (*parse)(const char *value, struct mem *mem, struct credentials *ret, struct err *err);
    } schemes[] = {
        { "Basic", parse_basic },
        { "Bearer", parse_bearer },
        { "PlatformToken", parse_platform },
    };
    size_t len = strcspn(authorization, " ");
    const char *value = authorization + len + strspn(authorization + len, " ");

    for (size_t i = 0; i < ARRAY_LEN(schemes); i++)
        if (strlen(schemes[i].scheme) == len &&
            strncasecmp(authorization, schemes[i].scheme, len) == 0)
            return schemes[i].parse(value, mem, ret, err);
    return malformed(err, "expected Basic, Bearer or PlatformToken");
}

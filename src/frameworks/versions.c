// SPDX-License-Identifier: Apache-2.0
#include "frameworks/versions.h"

#include "base/cleanup.h"
#include "base/err.h"
#include "base/files.h"
#include "base/mem.h"
#include "base/text.h"

#include <glob.h>
#include <string.h>

enum { VERSION_FILE_MAX = 64 << 10 /* bytes; the real ones have a few hundred */ };

/* The first quoted text after "__version__ =" at the start of a line. */
static char *version_in_source(const char *source, struct mem *mem)
{
    static const char name[] = "__version__";

    for (const char *line = source; line; line = strchr(line, '\n')) {
        const char *value;

        line += *line == '\n';
        if (!text_starts(line, name))
            continue;
        value = line + strcspn(line, "'\"\n");
        if (*value == '\'' || *value == '"')
            return mem_strndup(mem, value + 1, strcspn(value + 1, "'\"\n"));
    }
    return NULL;
}

static char *version_of_source(const char *folder, const char *package, struct mem *mem)
{
    CLEANUP(text_done) struct text source = {0};
    struct err ignored = {0};

    if (file_read(mem_printf(mem, "%s/%s/version.py", folder, package), VERSION_FILE_MAX, &source,
                  &ignored) < 0 ||
        !source.len)
        return NULL;
    return version_in_source(source.data, mem);
}

/* From "torch-2.1.0.dist-info" or "torch-1.13.0-py3.11.egg-info". */
static char *version_of_record(const char *folder, const char *package, struct mem *mem)
{
    char *version = NULL;
    glob_t found = {0};

    glob(mem_printf(mem, "%s/%s-[0-9]*.*-info", folder, package), 0, NULL, &found);
    if (found.gl_pathc > 0) {
        const char *name = path_base(found.gl_pathv[0]) + strlen(package) + 1;
        const char *end = strstr(name, "-py");

        if (!end)
            end = strrchr(name, '.');
        version = mem_strndup(mem, name, (size_t)(end - name));
    }
    globfree(&found);
    return version;
}

char *package_version(const char *prefix, const char *package, struct mem *mem)
{
    static const char *const places[] = { "lib/python3*/site-packages",
                                          "lib/python3*/dist-packages",
                                          "local/lib/python3*/dist-packages" };
    char *version = NULL;

    for (size_t i = 0; i < ARRAY_LEN(places) && !version; i++) {
        glob_t found = {0};

        glob(mem_printf(mem, "%s/%s", prefix, places[i]), 0, NULL, &found);
        for (size_t k = 0; k < found.gl_pathc && !version; k++) {
            version = version_of_source(found.gl_pathv[k], package, mem);
            if (!version)
                version = version_of_record(found.gl_pathv[k], package, mem);
        }
        globfree(&found);
    }
    return version;
}

char *python_prefix(const char *python, struct mem *mem)
{
    char *prefix = mem_strdup(mem, python), *slash;

    for (int up = 0; up < 2; up++) { /* <prefix>/bin/python */
        slash = strrchr(prefix, '/');
        if (!slash)
            return NULL;
        *slash = '\0';
    }
    return prefix;
}

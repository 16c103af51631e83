// SPDX-License-Identifier: Apache-2.0
#include "tasks/exec_paths.h"

#include "base/cleanup.h"
#include "base/mem.h"
#include "base/settings.h"
#include "base/text.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

enum { LABELS_MAX = 4096 };     /* processes of one task that logs are looked for */

char *exec_result_dir(const struct settings *s, const char *creator, const char *id, struct mem *mem)
{
    return mem_printf(mem, "%s/%s/batchworkdir/%s", s->result_fs, creator, id);
}

char *exec_code_dir(const struct settings *s, const char *creator, const char *id, struct mem *mem)
{
    return mem_printf(mem, "%s/%s/batchworkdir/%s/_submitted_code", s->result_fs, creator, id);
}

char *exec_run_dir(const struct settings *s, const char *id, struct mem *mem)
{
    return mem_printf(mem, "%s/run/%s", s->data_dir, id);
}

char *exec_log_path(const char *run_dir, const char *label, const char *stream, struct mem *mem)
{
    return mem_printf(mem, "%s/%s.%s", run_dir, label, stream);
}

char *exec_launcher_log(const char *run_dir, struct mem *mem)
{
    return mem_printf(mem, "%s/launcher.log", run_dir);
}

char *exec_process_dir(const char *result_dir, const char *label, struct mem *mem)
{
    return mem_printf(mem, "%s/log/%s", result_dir, label);
}

/* Workers first; "worker-2" before "worker-10". */
static int by_label(const void *a, const void *b)
{
    const char *left = *(const char *const *)a, *right = *(const char *const *)b;
    bool left_works = text_starts(left, "worker-"), right_works = text_starts(right, "worker-");

    if (left_works != right_works)
        return left_works ? -1 : 1;
    return strverscmp(left, right);
}

static void close_folder(DIR **folder)
{
    if (*folder)
        closedir(*folder);
}

void exec_labels(const char *run_dir, struct mem *mem, struct list *ret)
{
    CLEANUP(close_folder) DIR *folder = opendir(run_dir);
    const char **labels = mem_alloc(mem, LABELS_MAX * sizeof *labels);
    struct dirent *entry;
    size_t n = 0, len;

    while (folder && n < LABELS_MAX) {
        entry = readdir(folder);
        if (!entry)
            break;
        len = strlen(entry->d_name);
        if (len > 4 && strcmp(entry->d_name + len - 4, ".out") == 0)
            labels[n++] = mem_strndup(mem, entry->d_name, len - 4);
    }
    qsort(labels, n, sizeof *labels, by_label);
    *ret = (struct list){ .items = labels, .n = n };
}

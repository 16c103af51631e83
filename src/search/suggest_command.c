// SPDX-License-Identifier: Apache-2.0
#include "search/suggest.h"

#include "base/cleanup.h"
#include "base/text.h"
#include "search/algorithm.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
    "usage: trainyard suggest\n"
    "\n"
    "Suggests points of a search space, without a server. Reads one JSON object per line from standard\n"
    "input and answers each by one line on standard output:\n"
    "\n"
    "  {\"op\":\"init\",\"space\":[...],\"algorithm\":\"Tpe\"}    starts a search; answers {\"ok\":true}\n"
    "      also: objective (minimize, maximize), seed, budget, parallel, params of the algorithm\n"
    "      space: {\"name\",\"type\":\"Range\",\"dataType\":\"double\"|\"int\",\"min\",\"max\"}\n"
    "               also: \"log\":true for what differs by factors; or \"step\":5 for min, min + 5, ...; or\n"
    "               \"power\":10 for 10^min to 10^max, and a step then steps the exponent\n"
    "             {\"name\",\"type\":\"Discrete\",\"dataType\":\"str\"|\"int\"|\"double\",\"values\":[...]}\n"
    "             {\"name\",\"type\":\"Fix\",\"dataType\":...,\"value\":...}\n"
    "  {\"op\":\"ask\"}                                       answers {\"params\":{...}}\n"
    "  {\"op\":\"ask\",\"n\":4}                                 answers {\"params\":[{...},...]}\n"
    "  {\"op\":\"tell\",\"params\":{...},\"value\":0.1}           answers {\"ok\":true}\n"
    "\n"
    "Several points may be asked for before the first is told; points nobody asked for may be told too; a\n"
    "value of null is a trial that failed. What cannot be done answers {\"ok\":false,\"error\":\"...\"}.\n"
    "Hyperband, Asha and Bohb give each point some of a resource, one more member of params that is told with it.\n"
    "\n"
    "example:\n"
    "  trainyard suggest <<'end'\n"
    "  {\"op\":\"init\",\"algorithm\":\"Random\",\"space\":[{\"name\":\"x\",\"type\":\"Range\",\"dataType\":\"int\",\"min\":1,\"max\":6}]}\n"
    "  {\"op\":\"ask\"}\n"
    "  end\n"
    "\n";

static void list_algorithms(void)
{
    const char *separator = "algorithms: ";

    for (int i = 0; algorithms[i]; i++) {
        if (algorithms[i]->takes_list)
            continue;
        printf("%s%s", separator, algorithms[i]->name);
        separator = ", ";
    }
    puts("");
}

static int cannot_write(void)
{
    fprintf(stderr, "trainyard suggest: standard output cannot be written: %s\n", strerror(errno));
    return 1;
}

static int talk(void)
{
    CLEANUP(text_done) struct text out = {0};
    struct suggest *s = suggest_new();
    char *line = NULL;
    size_t cap = 0;
    ssize_t len;
    int rc = 0;

    while (rc == 0 && (len = getline(&line, &cap, stdin)) >= 0) {
        text_clear(&out);
        if (strspn(line, " \t\r\n") == (size_t)len)
            continue;
        suggest_answer(s, line, (size_t)len, &out);
        if (fwrite(out.data, 1, out.len, stdout) != out.len || fflush(stdout) != 0)
            rc = cannot_write();
    }
    free(line);
    suggest_free(s);
    return rc;
}

int suggest_command(int argc, char **argv)
{
    if (argc == 1)
        return talk();
    if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        fputs(help, stdout);
        list_algorithms();
        return fflush(stdout) == 0 ? 0 : cannot_write();
    }
    fprintf(stderr, "trainyard suggest: it takes no \"%s\"; see trainyard suggest --help\n",
            argv[1]);
    return 2;
}

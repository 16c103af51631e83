// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Which Python runs a task: that of a conda environment, of the definition, or of the site. */

struct err;
struct framework;
struct mem;
struct settings;
struct text;

struct interpreter_wish {
    const struct settings *settings;
    const struct framework *framework;
    const char *conda_home;     /* --conda-home; NULL */
    const char *conda_env;      /* --conda-env-name; NULL */
    const char *python_version; /* --python-version; NULL */
};

struct interpreter {
    const char *python; /* absolute path */
    const char *bin;    /* its folder inside a conda environment, for PATH; NULL outside */
    const char *conda_home, *conda_env; /* NULL outside */
};

/* The environment asked for wins over the definition's, and that over the site's default; an
 * environment is <home>/envs/<name>. Without one it is the definition's or the site's interpreter,
 * in the version asked for if this machine has it; `log` gets a line where it has another of the
 * same major number. ERR_BAD_INPUT for an option that cannot be met, ERR_UNAVAILABLE when the
 * site's own choice is missing. */
int interpreter_choose(const struct interpreter_wish *wish, struct mem *mem,
                       struct interpreter *ret, struct text *log, struct err *err);

// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Between the files of running plugins; plugin_algorithm() of search/plugins/plugin.h is what others see. */

#include <stdint.h>

struct err;
struct helper;
struct live;
struct mem;
struct plugin;
struct settings;

/* Where a plugin is installed: <shared>/tools/tune/plugins/<name>. */
char *plugin_dir(const struct settings *s, const char *name, struct mem *mem);

/* The process of a search's plugin, not started yet. Blocks: for worker threads. ERR_BUSY: its last life has not ended;
 * otherwise a clause that says why the plugin cannot run. */
struct helper *plugin_helper(const struct live *live, const struct plugin *p, struct err *err);

// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Keeps table event short: what is older than the setting `events.keep` goes, a minute after the
 * start and then once a day, in small changes. Lives on the engine thread. */

struct events_keep;
struct tasks_config;

struct events_keep *events_keep_start(const struct tasks_config *config);   /* before the loop runs, or on it */
void events_keep_free(struct events_keep *k);       /* loop and writer have stopped; NULL is fine */

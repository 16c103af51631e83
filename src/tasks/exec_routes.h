// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Handlers of exec_routes[] that have a file of their own. */

#include "http/call.h"

handler_fn submit_exec;         /* submit_api.c */
handler_fn show_log;            /* exec_log.c */
handler_fn download_result;     /* exec_result.c */

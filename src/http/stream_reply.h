// SPDX-License-Identifier: Apache-2.0
#pragma once
/* How a stream of a hub becomes the body of a reply. */

#include <microhttpd.h>

struct server;
struct stream;

/* A reply that sends what the stream gets until either end closes; owns the stream. While there is
 * nothing to send the connection is suspended and costs nothing. */
struct MHD_Response *stream_response(struct stream *s, struct server *server,
                                     struct MHD_Connection *conn);

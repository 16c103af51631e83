// SPDX-License-Identifier: Apache-2.0
#pragma once
/* The certificate made at first start: ECDSA P-256, self-signed, valid ten years, for the host's names and
 * loopback. Existing files are left alone; a key alone is given a certificate; a certificate without
 * its key is ERR_CONFLICT. Also used by `trainyard doctor`. */

#include <stdint.h>

struct err;

int tls_ensure(const char *cert_path, const char *key_path, struct err *err);
int tls_expiry(const char *cert_path, int64_t *ret_unix_ms, struct err *err);
                            /* ERR_NOT_FOUND when absent, ERR_BAD_INPUT when it is none */

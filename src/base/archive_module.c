// SPDX-License-Identifier: Apache-2.0
#include "base/archive_module.h"

__attribute__((visibility("default"))) const struct archive_module trainyard_archive = {
    .version = TRAINYARD_VERSION,
    .unpack = archive_unpack,
    .zip = archive_zip,
};

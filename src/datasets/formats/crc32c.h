// SPDX-License-Identifier: Apache-2.0
#pragma once
/* CRC-32C (Castagnoli, polynomial 0x1EDC6F41, reflected), and the form of it that TFRecord files have. Any thread. */

#include <stddef.h>
#include <stdint.h>

uint32_t crc32c(const void *data, size_t len);

/* Turned right by 15 bits plus 0xA282EAD8: a checksum of data that hold checksums. */
uint32_t crc32c_masked(const void *data, size_t len);

/* crc32c() without the processor's own instruction; for machines that have none. */
uint32_t crc32c_by_table(const void *data, size_t len);

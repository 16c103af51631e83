// SPDX-License-Identifier: Apache-2.0
#include "datasets/formats/crc32c.h"

#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#define POLYNOMIAL 0x82F63B78u          /* reflected */

enum { SLICES = 8 };                    /* bytes at a time: table[k][b] is byte b followed by k zero bytes */

static uint32_t table[SLICES][256];
static pthread_once_t table_made = PTHREAD_ONCE_INIT;

static void make_table(void)
{
    for (uint32_t b = 0; b < 256; b++) {
        uint32_t crc = b;

        for (int bit = 0; bit < 8; bit++)
            crc = crc & 1 ? crc >> 1 ^ POLYNOMIAL : crc >> 1;
        table[0][b] = crc;
    }
    for (int k = 1; k < SLICES; k++)
        for (int b = 0; b < 256; b++)
            table[k][b] = table[k - 1][b] >> 8 ^ table[0][table[k - 1][b] & 0xFF];
}

uint32_t crc32c_by_table(const void *data, size_t len)
{
    const uint8_t *p = data;
    uint32_t crc = ~0u;

    pthread_once(&table_made, make_table);
    for (; len >= SLICES; len -= SLICES, p += SLICES) {
        uint32_t low = crc ^ (p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24);

        crc = table[7][low & 0xFF] ^ table[6][low >> 8 & 0xFF] ^ table[5][low >> 16 & 0xFF] ^ table[4][low >> 24] ^
              table[3][p[4]] ^ table[2][p[5]] ^ table[1][p[6]] ^ table[0][p[7]];
    }
    for (; len > 0; len--, p++)
        crc = crc >> 8 ^ table[0][(crc ^ *p) & 0xFF];
    return ~crc;
}

#ifdef __x86_64__

/* The instruction takes three cycles and can be begun in each: three stretches side by side, joined by moving the checksum
 * of what comes first past the next one. */
enum { STRETCH = 2048 };                /* bytes */

static uint32_t moved[4][256];          /* byte b of a checksum, STRETCH zero bytes later */
static pthread_once_t moved_made = PTHREAD_ONCE_INIT;

__attribute__((target("sse4.2"))) static void make_moved(void)
{
    for (int bit = 0; bit < 32; bit++) {
        uint64_t crc = 1u << bit;

        for (int i = 0; i < STRETCH / 8; i++)
            crc = __builtin_ia32_crc32di(crc, 0);
        for (uint32_t b = 0; b < 256; b++)
            if (b >> bit % 8 & 1)
                moved[bit / 8][b] ^= (uint32_t)crc;
    }
}

static uint64_t move_on(uint64_t crc)
{
    return moved[0][crc & 0xFF] ^ moved[1][crc >> 8 & 0xFF] ^ moved[2][crc >> 16 & 0xFF] ^ moved[3][crc >> 24 & 0xFF];
}

static uint64_t load(const uint8_t *p)
{
    uint64_t v;

    memcpy(&v, p, sizeof v);
    return v;
}

__attribute__((target("sse4.2"))) static uint32_t by_instruction(const void *data, size_t len)
{
    const uint8_t *p = data;
    uint64_t crc = ~0u;

    pthread_once(&moved_made, make_moved);
    for (; len >= 3 * STRETCH; len -= 3 * STRETCH, p += 2 * STRETCH) {
        uint64_t second = 0, third = 0;

        for (int i = 0; i < STRETCH / 8; i++, p += 8) {
            crc = __builtin_ia32_crc32di(crc, load(p));
            second = __builtin_ia32_crc32di(second, load(p + STRETCH));
            third = __builtin_ia32_crc32di(third, load(p + 2 * STRETCH));
        }
        crc = move_on(move_on(crc) ^ second) ^ third;
    }
    for (; len >= 8; len -= 8, p += 8)
        crc = __builtin_ia32_crc32di(crc, load(p));
    for (; len > 0; len--, p++)
        crc = __builtin_ia32_crc32qi((uint32_t)crc, *p);
    return ~(uint32_t)crc;
}

static bool has_instruction(void) { return __builtin_cpu_supports("sse4.2"); }

#else

static uint32_t by_instruction(const void *data, size_t len) { return crc32c_by_table(data, len); }
static bool has_instruction(void) { return false; }

#endif

uint32_t crc32c(const void *data, size_t len) { return has_instruction() ? by_instruction(data, len) : crc32c_by_table(data, len); }

uint32_t crc32c_masked(const void *data, size_t len)
{
    uint32_t crc = crc32c(data, len);

    return (crc >> 15 | crc << 17) + 0xA282EAD8u;
}

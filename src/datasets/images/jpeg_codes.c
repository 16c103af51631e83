// SPDX-License-Identifier: Apache-2.0
#include "datasets/images/jpeg_codes.h"

#include <endian.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <jpeglib.h>
#include <jerror.h>
#include <jpegint.h>

enum {
    LOOKUP_BITS = 10,                   /* 4 KiB a table: all of a picture's stay in the processor's nearest cache */
    CODE_BITS_MAX = 16,
    DC_SIZE_MAX = 11,                   /* bits of a value, in pictures of 8 bits (T.81, tables F.1 and F.2) */
    AC_SIZE_MAX = 10,
    BLOCK_BITS_MAX = CODE_BITS_MAX + DC_SIZE_MAX + 63 * (CODE_BITS_MAX + AC_SIZE_MAX),
    WORD = 8,                           /* bytes that are read at a time */
    PADDING = BLOCK_BITS_MAX / 8 + 3 * WORD,
};

/* --- bits --- */

struct bits {
    uint64_t next;                      /* the first of them highest; those behind the n are right too, or zero */
    int n;
    const uint8_t *at;
};

/* At least 56 bits: a DC code with its value and an AC code with its own, or two of the latter. */
static inline void fill(struct bits *b)
{
    uint64_t word;

    memcpy(&word, b->at, WORD);
    b->next |= be64toh(word) >> b->n;
    b->at += (63 - b->n) / 8;
    b->n |= 56;
}

static inline void drop(struct bits *b, int n)
{
    b->next <<= n & 63;
    b->n -= n & 63;
}

/* A value of `size` bits, 1 to 15: those that begin with 0 are negative (EXTEND of T.81, figure F.12). */
static inline int extend(int value, int size)
{
    return value < 1 << (size - 1) ? value - (1 << size) + 1 : value;
}

/* --- tables of codes --- */

enum {
    VALUE_FOLLOWS = 64,                 /* in struct meaning, bits */
    UNUSUAL = 100,                      /* in struct meaning, run: no code of a picture of 8 bits */
    END_OF_BLOCK = 255,
};

/* What bits mean: how many to drop, how many coefficients are zero before this one, and its value; with VALUE_FOLLOWS the value
 * is what the next `value` bits say. bits 0: a code of more than LOOKUP_BITS. */
struct meaning {
    uint8_t bits, run;
    int16_t value;
};

struct table {
    struct meaning of[1 << LOOKUP_BITS];
    const JHUFF_TBL *source;
    bool ac;
    int last[CODE_BITS_MAX + 1];        /* MAXCODE of T.81: the greatest code of each length, -1 for none */
    int offset[CODE_BITS_MAX + 1];      /* from a code to its place in source->huffval */
};

static struct meaning meaning_of(bool ac, int symbol, int code_bits)
{
    int size = ac ? symbol & 15 : symbol, run = ac ? symbol >> 4 : 0;

    if (size > (ac ? AC_SIZE_MAX : DC_SIZE_MAX))
        return (struct meaning){ .bits = (uint8_t)code_bits, .run = UNUSUAL };
    if (size)
        return (struct meaning){ (uint8_t)(code_bits | VALUE_FOLLOWS), (uint8_t)run, (int16_t)size };
    return (struct meaning){ .bits = (uint8_t)code_bits, .run = ac && run != 15 ? END_OF_BLOCK : (uint8_t)run };
}

/* All entries that begin with `code`. */
static void enter(struct table *t, int code, int code_bits, struct meaning m)
{
    int rest = LOOKUP_BITS - code_bits, size = m.value;
    struct meaning *to = t->of + (code << rest);

    if (!(m.bits & VALUE_FOLLOWS) || size > rest) {
        for (int i = 0; i < 1 << rest; i++)
            to[i] = m;
        return;
    }
    m.bits = (uint8_t)(code_bits + size);
    for (int value = 0; value < 1 << size; value++) {
        m.value = (int16_t)extend(value, size);
        for (int i = 0; i < 1 << (rest - size); i++)
            *to++ = m;
    }
}

/* The library has checked that the codes of `source` fit their lengths. */
static void make_table(struct table *t, const JHUFF_TBL *source, bool ac)
{
    int code = 0, place = 0;

    memset(t->of, 0, sizeof t->of);
    t->source = source;
    t->ac = ac;
    for (int bits = 1; bits <= CODE_BITS_MAX; bits++, code <<= 1) {
        t->offset[bits] = place - code;
        for (int i = 0; i < source->bits[bits]; i++, code++, place++)
            if (bits <= LOOKUP_BITS)
                enter(t, code, bits, meaning_of(ac, source->huffval[place], bits));
        t->last[bits] = source->bits[bits] ? code - 1 : -1;
    }
}

static struct meaning long_code(const struct table *t, uint64_t next)
{
    for (int bits = LOOKUP_BITS + 1; bits <= CODE_BITS_MAX; bits++) {
        int code = (int)(next >> (64 - bits));

        if (code <= t->last[bits])
            return meaning_of(t->ac, t->source->huffval[code + t->offset[bits]], bits);
    }
    return (struct meaning){ .bits = 1, .run = UNUSUAL };
}

static inline struct meaning next_meaning(struct bits *b, const struct table *t)
{
    struct meaning m = t->of[b->next >> (64 - LOOKUP_BITS)];

    if (__builtin_expect(m.bits == 0, false))
        m = long_code(t, b->next);
    drop(b, m.bits);
    return m;
}

static inline int value_of(struct bits *b, struct meaning m)
{
    int value = m.value;

    if (__builtin_expect(m.bits & VALUE_FOLLOWS, false)) {
        value = extend((int)(b->next >> (64 - m.value)), m.value);
        drop(b, m.value);
    }
    return value;
}

/* --- blocks --- */

static const uint8_t zigzag[64] = {
     0,  1,  8, 16,  9,  2,  3, 10, 17, 24, 32, 25, 18, 11,  4,  5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13,  6,  7, 14, 21, 28,
    35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
};

/* Returns the number of the next coefficient: 64 after the last, more after the end of the block or what is unusual. */
static inline unsigned read_ac(struct bits *b, const struct table *t, JCOEF *block, unsigned k)
{
    struct meaning m = next_meaning(b, t);

    k += m.run;
    if (k < 64)
        block[zigzag[k]] = (JCOEF)value_of(b, m);
    return k + 1;
}

static inline bool read_block(struct bits *b, const struct table *dc, const struct table *ac, unsigned *last_dc, JCOEF *block)
{
    struct meaning m;
    unsigned k = 1;

    fill(b);
    m = next_meaning(b, dc);
    if (m.run)
        return false;
    *last_dc += (unsigned)value_of(b, m);
    block[0] = (JCOEF)*last_dc;
    while ((k = read_ac(b, ac, block, k)) < 64) {
        fill(b);
        if ((k = read_ac(b, ac, block, k)) >= 64)
            break;
    }
    return k == 64 || k > END_OF_BLOCK;
}

/* --- all the codes of a picture --- */

/* A segment is what lies between two markers: all of the picture, or as many units (MCUs) as DRI says. */
struct codes {
    struct table *dc[MAX_COMPS_IN_SCAN], *ac[MAX_COMPS_IN_SCAN];
    unsigned last_dc[MAX_COMPS_IN_SCAN];
    uint8_t *bytes;                     /* of the segment, and PADDING zeros */
    const uint8_t *end;                 /* of the bytes, without the zeros */
    struct bits bits;
    unsigned segment_left, picture_left;        /* units */
    unsigned n_restarts;
};

static bool begin_segment(struct codes *s, struct jpeg_decompress_struct *c)
{
    const uint8_t *in = c->src->next_input_byte, *stop = in + c->src->bytes_in_buffer, *mark;
    uint8_t *out = s->bytes;

    for (; (mark = memchr(in, 0xFF, (size_t)(stop - in))) && stop - mark >= 2 && mark[1] == 0; in = mark + 2) {
        memcpy(out, in, (size_t)(mark + 1 - in));
        out += mark + 1 - in;
    }
    if (!mark)
        return false;
    memcpy(out, in, (size_t)(mark - in));
    s->end = out + (mark - in);
    memset(out + (mark - in), 0, PADDING);
    c->src->next_input_byte = mark;
    c->src->bytes_in_buffer = (size_t)(stop - mark);
    s->bits = (struct bits){ .at = s->bytes };
    memset(s->last_dc, 0, sizeof s->last_dc);
    s->segment_left = c->restart_interval && c->restart_interval < s->picture_left ? c->restart_interval : s->picture_left;
    return true;
}

/* Whether less than a byte is left. */
static bool is_used_up(const struct codes *s)
{
    ptrdiff_t left = (s->end - s->bits.at) * 8 + s->bits.n;

    return left >= 0 && left < 8;
}

static bool pass_restart(struct codes *s, struct jpeg_source_mgr *src)
{
    if (src->bytes_in_buffer < 2 || src->next_input_byte[1] != JPEG_RST0 + s->n_restarts % 8)
        return false;
    s->n_restarts++;
    src->next_input_byte += 2;
    src->bytes_in_buffer -= 2;
    return true;
}

static bool read_blocks(struct codes *s, struct jpeg_decompress_struct *c, JBLOCKROW *blocks)
{
    struct bits bits = s->bits;

    for (int i = 0; i < c->blocks_in_MCU; i++) {
        int k = c->MCU_membership[i];

        if (bits.at > s->end + WORD || !read_block(&bits, s->dc[k], s->ac[k], &s->last_dc[k], blocks[i][0]))
            return false;
    }
    s->bits = bits;
    return true;
}

/* decode_mcu() of the library's entropy decoder: the blocks are zero before. */
static boolean read_mcu(struct jpeg_decompress_struct *c, JBLOCKROW *blocks)
{
    struct codes *s = c->client_data;
    bool usual = true;

    if (s->segment_left == 0)
        usual = pass_restart(s, c->src) && begin_segment(s, c);
    if (!usual || !read_blocks(s, c, blocks))
        ERREXIT(c, JWRN_HUFF_BAD_CODE);
    s->picture_left--;
    if (--s->segment_left == 0 && !is_used_up(s))
        ERREXIT(c, JWRN_HUFF_BAD_CODE);
    return TRUE;
}

static void make_tables(struct codes *s, struct jpeg_decompress_struct *c)
{
    struct table *dc[NUM_HUFF_TBLS] = {0}, *ac[NUM_HUFF_TBLS] = {0};

    for (int i = 0; i < c->comps_in_scan; i++) {
        int d = c->cur_comp_info[i]->dc_tbl_no, a = c->cur_comp_info[i]->ac_tbl_no;

        if (!dc[d])
            make_table(dc[d] = c->mem->alloc_small((j_common_ptr)c, JPOOL_IMAGE, sizeof **dc), c->dc_huff_tbl_ptrs[d], false);
        if (!ac[a])
            make_table(ac[a] = c->mem->alloc_small((j_common_ptr)c, JPOOL_IMAGE, sizeof **ac), c->ac_huff_tbl_ptrs[a], true);
        s->dc[i] = dc[d];
        s->ac[i] = ac[a];
    }
}

bool jpeg_codes_attach(struct jpeg_decompress_struct *c)
{
    struct codes *s;

    if (c->progressive_mode || c->arith_code || c->comps_in_scan != c->num_components || c->data_precision != 8)
        return false;
    s = c->mem->alloc_small((j_common_ptr)c, JPOOL_IMAGE, sizeof *s);
    *s = (struct codes){ .picture_left = c->MCUs_per_row * c->MCU_rows_in_scan };
    s->bytes = c->mem->alloc_large((j_common_ptr)c, JPOOL_IMAGE, c->src->bytes_in_buffer + PADDING);
    make_tables(s, c);
    if (!begin_segment(s, c))
        return false;
    c->client_data = s;
    c->entropy->decode_mcu = read_mcu;
    return true;
}

// SPDX-License-Identifier: Apache-2.0
/* Any bytes as a table: rows and cells do not depend on how the bytes are cut into pieces, and lie within the table; a row has as
 * many cells as were counted, and they are the same in turn as one by one. */

#include "base/csv.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The row at `data`: its bytes. */
static size_t scan_row(const char *data, size_t size, size_t piece, struct csv_scan *ret)
{
    size_t len = 0;

    *ret = (struct csv_scan){0};
    while (!ret->done && len < size) {
        size_t n = size - len < piece ? size - len : piece;
        size_t taken = csv_scan(ret, data + len, n);

        assert(taken <= n && (ret->done || taken == n));
        len += taken;
    }
    return len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *rows = (const char *)data;
    size_t piece = size ? data[0] % 13 + 1 : 1;
    struct text cell = {0}, next = {0};
    struct csv_scan s, again;

    for (size_t at = 0, len; at < size; at += len) {
        struct csv_row row = { .data = rows + at };
        size_t cells = 0, next_at = 0;

        len = scan_row(rows + at, size - at, size - at, &s);
        assert(len > 0 && len == scan_row(rows + at, size - at, piece, &again));
        assert(s.n_commas == again.n_commas && s.filled == again.filled && s.n_breaks == again.n_breaks);

        row.len = len;
        row.n_cells = s.n_commas + 1;
        for (size_t i = 0; i < row.n_cells && i < 100; i++) {
            text_clear(&cell);
            csv_cell(&row, i, &cell);
            cells += cell.len;
            assert(csv_next_cell(&row, &next_at, &next));
            assert(next.len == cell.len && memcmp(next.data, cell.data, cell.len) == 0);
        }
        assert(row.n_cells > 100 || !csv_next_cell(&row, &next_at, &next));
        assert(cells <= len);
        csv_is_header(&row);
    }
    text_done(&cell);
    text_done(&next);
    return 0;
}

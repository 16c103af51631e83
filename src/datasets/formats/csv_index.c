// SPDX-License-Identifier: Apache-2.0
#include "datasets/formats/csv_index.h"

#include "base/cleanup.h"
#include "base/err.h"
#include "base/files.h"
#include "base/mem.h"

#include <endian.h>
#include <sys/stat.h>

static void add_u64(struct text *t, int64_t v)
{
    uint64_t le = htole64((uint64_t)v);

    text_add_n(t, (const char *)&le, sizeof le);
}

void csv_index_done(struct csv_index *ix) { text_done(&ix->offsets); }

void csv_index_add(struct csv_index *ix, int64_t offset)
{
    if (ix->n_rows++ % CSV_INDEX_STRIDE == 0)
        add_u64(&ix->offsets, offset);
}

int csv_index_write(const struct csv_index *ix, const char *csv_path, struct err *err)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    CLEANUP(text_done) struct text out = {0};
    struct stat st;

    if (stat(csv_path, &st) < 0)
        return err_errno(err, ERR_INTERNAL, "%s cannot be read", csv_path);
    text_add_n(&out, "TYCSVIX1", 8);
    add_u64(&out, ix->n_rows);
    add_u64(&out, CSV_INDEX_STRIDE);
    add_u64(&out, st.st_size);
    add_u64(&out, st.st_mtim.tv_sec * 1000000000LL + st.st_mtim.tv_nsec);
    if (ix->offsets.len)
        text_add_n(&out, ix->offsets.data, ix->offsets.len);
    return file_write(mem_printf(mem, "%s.index", csv_path), out.data, out.len, 0644, err);
}

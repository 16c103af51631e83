// SPDX-License-Identifier: Apache-2.0
#include "datasets/formats/crc32c.h"
#include "datasets/formats/csv_index.h"
#include "datasets/formats/datum.h"
#include "datasets/formats/example.h"
#include "datasets/formats/proto.h"
#include "datasets/formats/tfrecord.h"

#include "base/cleanup.h"
#include "base/err.h"
#include "base/files.h"
#include "base/mem.h"
#include "base/text.h"

#include <endian.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* --- checksums --- */

static void crc32c_has_the_values_of_rfc_3720(void **state)
{
    uint8_t zeros[32] = {0}, ones[32], up[32], down[32];

    (void)state;
    memset(ones, 0xFF, sizeof ones);
    for (int i = 0; i < 32; i++) {
        up[i] = (uint8_t)i;
        down[i] = (uint8_t)(31 - i);
    }
    assert_int_equal(crc32c("", 0), 0);
    assert_int_equal(crc32c("123456789", 9), 0xE3069283);
    assert_int_equal(crc32c(zeros, 32), 0x8A9136AA);
    assert_int_equal(crc32c(ones, 32), 0x62A8AB43);
    assert_int_equal(crc32c(up, 32), 0x46DD794E);
    assert_int_equal(crc32c(down, 32), 0x113FDB5C);
}

static void crc32c_by_table_is_the_same_at_every_length(void **state)
{
    static const size_t stretches[] = { 0, 6144, 12288 };      /* longer data are summed in three places at once */
    static uint8_t data[12288 + 67];

    (void)state;
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 151 + i / 251);
    for (size_t i = 0; i < ARRAY_LEN(stretches); i++)
        for (size_t n = stretches[i] < 67 ? 0 : stretches[i] - 67; n <= stretches[i] + 67; n++)
            assert_int_equal(crc32c(data, n), crc32c_by_table(data, n));
}

/* --- varints --- */

static void varints_round_trip_in_as_many_bytes_as_they_need(void **state)
{
    static const struct { uint64_t v; size_t n; } values[] = {
        { 0, 1 }, { 127, 1 }, { 128, 2 }, { 16383, 2 }, { 16384, 3 }, { 1ull << 35, 6 }, { UINT64_MAX, 10 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        uint8_t bytes[10];
        size_t n = (size_t)(proto_put_varint(bytes, values[i].v) - bytes);
        struct proto_reader r = proto_read(bytes, n);
        uint64_t v;

        assert_int_equal(n, values[i].n);
        assert_int_equal(proto_varint_size(values[i].v), n);
        assert_true(proto_next_varint(&r, &v));
        assert_true(v == values[i].v);
        r = proto_read(bytes, n - 1);
        assert_false(n > 1 && proto_next_varint(&r, &v));
        assert_true(n == 1 || r.damaged);
    }
}

static void a_field_that_ends_too_soon_is_damage(void **state)
{
    static const char *const bad[] = { "\x08", "\x0A\x05xy", "\x0D\x01\x02", "\x09\x01", "\x0B", "\x02\x01", "\x80" };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct proto_reader r = proto_read((const uint8_t *)bad[i], strlen(bad[i]));
        struct proto_field f;

        assert_false(proto_next(&r, &f));
        assert_true(r.damaged);
    }
}

/* --- messages --- */

static void a_datum_round_trips(void **state)
{
    static const uint8_t data[] = { 1, 2, 3, 4, 5, 6 };
    const struct datum raw = { .channels = 1, .height = 2, .width = 3, .data = data, .n_data = 6, .label = 300 };
    struct datum all[] = { raw, raw }, back;
    uint8_t message[64];

    (void)state;
    all[1].encoded = true;
    all[1].n_data = 4;
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        assert_true(datum_size(&all[i]) <= sizeof message);
        datum_pack(&all[i], message);
        assert_true(datum_read(message, datum_size(&all[i]), &back));
        assert_int_equal(back.channels, 1);
        assert_int_equal(back.height, 2);
        assert_int_equal(back.width, 3);
        assert_int_equal(back.label, 300);
        assert_int_equal(back.encoded, all[i].encoded);
        assert_int_equal(back.n_data, all[i].n_data);
        assert_memory_equal(back.data, data, back.n_data);
    }
}

static void a_datum_whose_sides_lie_is_refused(void **state)
{
    struct datum d = { .channels = 1, .height = 2, .width = 4, .data = (const uint8_t *)"abcdef", .n_data = 6 };
    uint8_t message[64];

    (void)state;
    datum_pack(&d, message);
    assert_false(datum_read(message, datum_size(&d), &d));
}

static void an_example_round_trips(void **state)
{
    const struct example raw = { .height = 2, .width = 1, .depth = 3, .label = -1, .data = (const uint8_t *)"abcdef", .n_data = 6 };
    struct example all[] = { raw, raw }, back;
    uint8_t message[300];

    (void)state;
    all[1].format = "png";
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        assert_true(example_size(&all[i]) <= sizeof message);
        example_pack(&all[i], message);
        assert_true(example_read(message, example_size(&all[i]), &back));
        assert_int_equal(back.height, 2);
        assert_int_equal(back.width, 1);
        assert_int_equal(back.depth, 3);
        assert_int_equal(back.label, -1);
        assert_int_equal(back.encoded, i == 1);
        assert_int_equal(back.n_data, 6);
        assert_memory_equal(back.data, "abcdef", 6);
    }
}

static void an_example_cut_anywhere_is_damaged_or_lacks_features(void **state)
{
    const struct example e = { .height = 2, .width = 1, .depth = 3, .label = 9, .data = (const uint8_t *)"abcdef", .n_data = 6 };
    uint8_t message[300];
    struct example back;

    (void)state;
    example_pack(&e, message);
    for (size_t n = 1; n < example_size(&e); n++)
        assert_false(example_read(message, n, &back));
    assert_true(example_read(message, 0, &back));
    assert_null(back.data);
}

static void a_mean_is_a_blob_of_one_image(void **state)
{
    static const float values[] = { 0.5f, 1.5f };
    CLEANUP(text_done) struct text out = {0};
    static const char expected[] = "\x08\x01\x10\x01\x18\x01\x20\x02\x2A\x08" "\0\0\0\x3F\0\0\xC0\x3F";

    (void)state;
    blob_write(1, 1, 2, values, &out);
    assert_int_equal(out.len, sizeof expected - 1);
    assert_memory_equal(out.data, expected, out.len);
}

/* --- files --- */

static const char *temporary(struct mem *mem) { return mem_printf(mem, "/tmp/trainyard-tfrecord-%d", (int)getpid()); }

static void write_records(const char *path, int n)
{
    uint8_t framed[TFRECORD_BEFORE + 5 + TFRECORD_AFTER] = {0};
    struct tfrecord_writer *w;
    struct err err;

    w = tfrecord_create(path, &err);
    assert_non_null(w);
    for (int i = 0; i < n; i++) {
        memset(framed + TFRECORD_BEFORE, 'a' + i, 5);
        tfrecord_frame(framed, 5);
        assert_int_equal(tfrecord_write(w, framed, sizeof framed, &err), 0);
    }
    assert_int_equal(tfrecord_close(w, &err), 0);
}

static void records_come_back_in_order(void **state)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    const char *path = temporary(mem);
    struct tfrecord_reader *r;
    const uint8_t *data;
    struct err err;
    size_t len;

    (void)state;
    write_records(path, 3);
    r = tfrecord_open(path, &err);
    assert_int_equal(tfrecord_next(r, &data, &len, &err), 1);
    assert_int_equal(len, 5);
    assert_memory_equal(data, "aaaaa", 5);
    assert_int_equal(tfrecord_skip(r, &err), 1);
    assert_int_equal(tfrecord_next(r, &data, &len, &err), 1);
    assert_memory_equal(data, "ccccc", 5);
    assert_int_equal(tfrecord_next(r, &data, &len, &err), 0);
    tfrecord_reader_free(r);
    unlink(path);
}

static void a_changed_byte_or_a_cut_is_named_by_its_record(void **state)
{
    static const struct { long at; long cut; const char *sentence; } harms[] = {
        { 0, 0, "record 0 has a wrong checksum: is it a TFRecord file without compression?" },
        { 21 + 3, 0, "record 1 has a wrong checksum" },
        { 21 + 13, 0, "record 1 has a wrong checksum" },
        { -1, 41, "record 1 is cut off" },
        { -1, 25, "record 1 is cut off" },
    };
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    const char *path = temporary(mem);

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(harms); i++) {
        struct tfrecord_reader *r;
        struct err err = {0};
        const uint8_t *data;
        int more = 1;
        size_t len;
        FILE *f;

        write_records(path, 2);
        f = fopen(path, "r+");
        if (harms[i].at >= 0) {
            fseek(f, harms[i].at, SEEK_SET);
            fputc('#', f);
        }
        fclose(f);
        if (harms[i].cut)
            assert_int_equal(truncate(path, harms[i].cut), 0);
        r = tfrecord_open(path, &err);
        while (more == 1)
            more = tfrecord_next(r, &data, &len, &err);
        assert_int_equal(more, -1);
        assert_int_equal(err.kind, ERR_BAD_INPUT);
        assert_string_equal(err.text, mem_printf(mem, "%s: %s", path, harms[i].sentence));
        tfrecord_reader_free(r);
    }
    unlink(path);
}

static uint64_t u64_at(const struct text *t, size_t i)
{
    uint64_t v;

    memcpy(&v, t->data + i, sizeof v);
    return le64toh(v);
}

static void an_index_says_where_rows_begin_and_of_which_file(void **state)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    CLEANUP(text_done) struct text out = {0};
    const char *path = temporary(mem), *index = mem_printf(mem, "%s.index", path);
    struct csv_index ix = {0};
    struct stat st;
    struct err err = {0};

    (void)state;
    assert_int_equal(file_write(path, "a,b\n", 4, 0644, &err), 0);
    for (int i = 0; i < 600; i++)
        csv_index_add(&ix, 10 + i * 3);
    assert_int_equal(csv_index_write(&ix, path, &err), 0);
    csv_index_done(&ix);

    assert_int_equal(file_read(index, 1000, &out, &err), 0);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(out.len, 8 + 4 * 8 + 3 * 8);
    assert_memory_equal(out.data, "TYCSVIX1", 8);
    assert_int_equal(u64_at(&out, 8), 600);
    assert_int_equal(u64_at(&out, 16), CSV_INDEX_STRIDE);
    assert_int_equal(u64_at(&out, 24), 4);
    assert_int_equal(u64_at(&out, 32), st.st_mtim.tv_sec * 1000000000LL + st.st_mtim.tv_nsec);
    for (uint64_t i = 0; i < 3; i++)
        assert_int_equal(u64_at(&out, 40 + 8 * i), 10 + i * CSV_INDEX_STRIDE * 3);
    unlink(path);
    unlink(index);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(crc32c_has_the_values_of_rfc_3720),
        cmocka_unit_test(crc32c_by_table_is_the_same_at_every_length),
        cmocka_unit_test(varints_round_trip_in_as_many_bytes_as_they_need),
        cmocka_unit_test(a_field_that_ends_too_soon_is_damage),
        cmocka_unit_test(a_datum_round_trips),
        cmocka_unit_test(a_datum_whose_sides_lie_is_refused),
        cmocka_unit_test(an_example_round_trips),
        cmocka_unit_test(an_example_cut_anywhere_is_damaged_or_lacks_features),
        cmocka_unit_test(a_mean_is_a_blob_of_one_image),
        cmocka_unit_test(records_come_back_in_order),
        cmocka_unit_test(a_changed_byte_or_a_cut_is_named_by_its_record),
        cmocka_unit_test(an_index_says_where_rows_begin_and_of_which_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

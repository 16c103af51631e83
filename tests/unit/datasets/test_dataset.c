// SPDX-License-Identifier: Apache-2.0
#include "datasets/dataset.h"

#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static int check(const char *text, bool upload, struct dataset_spec *ret, struct mem *mem, struct err *err)
{
    json_t *json = json_loads(text, 0, NULL);
    int rc;

    assert_non_null(json);
    rc = fields_from_json(dataset_spec_fields, json, ret, mem, err);
    json_decref(json);
    return rc < 0 ? rc : dataset_spec_check(ret, upload, err);
}

static void a_kind_is_built_for_its_back_ends(void **state)
{
    static const struct { const char *kind, *backend; bool fine; } cases[] = {
        { "LMDB", "lmdb", true },                    { "LMDB", "TFrecords", false },
        { "TFRECORDS", "TFRecords", true },          { "tfrecords", "TFRECORDS", true },
        { "IMAGEFORCLASSIFICATION", "LMDB", true },  { "IMAGEFORCLASSIFICATION", "TFrecords", true },
        { "IMAGEFORCLASSIFICATION", "CSV", false },  { "CSV", "CSV", true },
        { "IMAGEFOROBJECTDETECTION", "ObjectDetection", true }, { "IMGTOVECTOR", "ImageVector", true },
        { "NLP", "Other", true },                    { "RAWDATA", "Other", true },
        { "OTHER", "LMDB", false },                  { "PLUGIN", "LMDB", true },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(mem_freep) struct mem *mem = mem_new();
        const char *text = mem_printf(mem, "{\"name\":\"x\",\"datasourcetype\":\"%s\",\"dbbackend\":\"%s\",\"trainpath\":\"/a\","
                                           "\"plugin\":\"/p\",\"imagedetail\":{\"trainimagepath\":\"/a\"}}",
                                      cases[i].kind, cases[i].backend);
        struct dataset_spec spec;
        struct err err = {0};

        if ((check(text, false, &spec, mem, &err) == 0) != cases[i].fine)
            fail_msg("%s for %s: %s", cases[i].kind, cases[i].backend, err.text);
        if (!cases[i].fine)
            assert_string_equal(err.field, "dbbackend");
    }
}

static void a_part_has_a_path_or_a_percentage(void **state)
{
    static const struct { const char *members, *image, *field; } cases[] = {
        { ",\"valpath\":\"/v\"",  "\"valpercentage\":10",                                    "imagedetail.valpercentage" },
        { ",\"testpath\":\"/v\"", "\"testpercentage\":10",                                   "imagedetail.testpercentage" },
        { "",                       "\"valtextpath\":\"/v\",\"valpercentage\":10",             "imagedetail.valpercentage" },
        { "",                       "\"testimagepath\":\"/v\",\"testpercentage\":10",          "imagedetail.testpercentage" },
        { ",\"valpath\":\"/v\"",  "\"valpercentage\":0,\"testpercentage\":10",               NULL },
        { ",\"valpath\":\"\"",    "\"valpercentage\":10,\"valimagepath\":null",              NULL },
    };
    static const char *const kinds[] = { "CSV\",\"dbbackend\":\"CSV", "NLP\",\"dbbackend\":\"CSV",
                                         "IMAGEFORCLASSIFICATION\",\"dbbackend\":\"LMDB", "OTHER\",\"dbbackend\":\"Other" };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
            CLEANUP(mem_freep) struct mem *mem = mem_new();
            struct dataset_spec spec;
            struct err err = {0};

            check(mem_printf(mem, "{\"name\":\"x\",\"datasourcetype\":\"%s\",\"trainpath\":\"/a\"%s,"
                                  "\"imagedetail\":{\"trainimagepath\":\"/a\",%s}}", kinds[k], cases[i].members, cases[i].image),
                  false, &spec, mem, &err);
            assert_string_equal(err.field, cases[i].field ? cases[i].field : "");
        }
    }
}

static void an_upload_without_paths_is_about_all_of_it(void **state)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    struct dataset_spec spec;
    struct err err = {0};

    (void)state;
    assert_int_equal(check("{\"name\":\"x\",\"datasourcetype\":\"CSV\",\"dbbackend\":\"CSV\"}", true, &spec, mem, &err), 0);
    assert_string_equal(spec.train, ".");
    assert_int_equal(check("{\"name\":\"x\",\"datasourcetype\":\"IMAGEFORCLASSIFICATION\",\"dbbackend\":\"LMDB\"}", true,
                           &spec, mem, &err), 0);
    assert_string_equal(spec.image.train_images, ".");
    assert_int_equal(check("{\"name\":\"x\",\"datasourcetype\":\"CSV\",\"dbbackend\":\"CSV\"}", false, &spec, mem, &err), -1);
    assert_string_equal(err.field, "trainpath");
}

static void a_record_tells_the_document_the_times_and_what_was_found(void **state)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    struct dataset d;
    struct err err = {0};

    (void)state;
    fields_init(dataset_fields, &d);
    fields_init(dataset_row_fields, &d);
    d.spec_text = "{\"name\":\"x\",\"datasourcetype\":\"CSV\",\"dbbackend\":\"CSV\",\"trainpath\":\"a.csv\"}";
    d.report_text = "{\"splits\":[{\"name\":\"test\",\"labels\":[[\"cat\",3]]}]}";
    d.created_ms = 0;
    d.started_ms = 60000;
    d.size_bytes = 2500000;
    assert_int_equal(dataset_fill(&d, 150000, mem, &err), 0);
    assert_string_equal(d.spec.train, "a.csv");
    assert_true(d.run_minutes == 1.5 && d.size_mb == 2.5 && isnan(d.percent));
    assert_null(d.train_labels.items);
    assert_int_equal(d.test_labels.n, 1);
    d.ended_ms = 90000;
    assert_int_equal(dataset_fill(&d, 150000, mem, &err), 0);
    assert_true(d.run_minutes == 0.5);
}

static void a_damaged_row_is_said_to_be(void **state)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    struct dataset d;
    struct err err = {0};

    (void)state;
    fields_init(dataset_fields, &d);
    fields_init(dataset_row_fields, &d);
    d.spec_text = "{";
    assert_int_equal(dataset_fill(&d, 0, mem, &err), -1);
    assert_int_equal(err.kind, ERR_INTERNAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_kind_is_built_for_its_back_ends),
        cmocka_unit_test(a_part_has_a_path_or_a_percentage),
        cmocka_unit_test(an_upload_without_paths_is_about_all_of_it),
        cmocka_unit_test(a_record_tells_the_document_the_times_and_what_was_found),
        cmocka_unit_test(a_damaged_row_is_said_to_be),
    };

    return cmocka_run_group_tests_name("dataset", tests, NULL, NULL);
}

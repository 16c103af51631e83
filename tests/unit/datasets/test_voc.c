// SPDX-License-Identifier: Apache-2.0
#include "datasets/formats/voc.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define BOX(a, b, c, d) "<bndbox><xmin>" a "</xmin><ymin>" b "</ymin><xmax>" c "</xmax><ymax>" d "</ymax></bndbox>"
#define OBJECT(name, box) "<object><name>" name "</name>" box "</object>"
#define ANNOTATION(inside) "<annotation>" inside "</annotation>"

static void an_annotation_gives_its_size_and_boxes(void **state)
{
    static const char xml[] =
        "<?xml version='1.0' encoding='ISO-8859-1'?>\n"
        "<annotation>\n <filename>2007_000027.jpg</filename>\n <size><width>486</width><height> 500\n</height><depth>3</depth></size>\n"
        " <object>\n  <name>person</name><pose>Unspecified</pose>\n  <bndbox><ymax>351</ymax><xmin>174.5</xmin><xmax>349</xmax>"
        "<ymin>101</ymin></bndbox>\n"
        "  <part><name>head</name><bndbox><xmin>1</xmin><ymin>2</ymin><xmax>3</xmax><ymax>4</ymax></bndbox></part>\n"
        " </object>\n <object><name>\xfcrdog &amp; co</name>" BOX("-1", "0", "1e1", "2") "</object>\n</annotation>\n";
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    struct err err = {0};
    struct voc v;

    (void)state;
    assert_int_equal(voc_parse(xml, sizeof xml - 1, mem, &v, &err), 0);
    assert_int_equal(v.width, 486);
    assert_int_equal(v.height, 500);
    assert_int_equal(v.n, 2);
    assert_string_equal(v.boxes[0].label, "person");
    assert_true(v.boxes[0].xmin == 174.5 && v.boxes[0].ymin == 101 && v.boxes[0].xmax == 349 && v.boxes[0].ymax == 351);
    assert_string_equal(v.boxes[1].label, "\xc3\xbcrdog & co");
    assert_true(v.boxes[1].xmin == -1 && v.boxes[1].xmax == 10);
}

static void an_image_may_show_nothing_or_a_thousand_things(void **state)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    CLEANUP(text_done) struct text xml = {0};
    struct err err = {0};
    struct voc v;

    (void)state;
    assert_int_equal(voc_parse("<annotation/>", 13, mem, &v, &err), 0);
    assert_true(v.n == 0 && v.width == 0 && v.height == 0);
    text_add(&xml, "<annotation>");
    for (int i = 1; i <= 1000; i++)
        text_addf(&xml, "<object><name>n%d</name><bndbox><xmin>0</xmin><ymin>0</ymin><xmax>%d</xmax><ymax>1</ymax></bndbox></object>", i, i);
    text_add(&xml, "</annotation>");
    assert_int_equal(voc_parse(xml.data, xml.len, mem, &v, &err), 0);
    assert_int_equal(v.n, 1000);
    assert_string_equal(v.boxes[999].label, "n1000");
}

static void what_does_not_fit_is_refused_with_the_reason(void **state)
{
    static const struct { const char *xml, *reason; } bad[] = {
        { "", "is not XML: line 1: no element found" },
        { "<annotation><size></annotation>", "is not XML: line 1: mismatched tag" },
        { "<svg/>", "is not an annotation of Pascal VOC: it begins with <svg>" },
        { "<!DOCTYPE annotation [<!ENTITY a 'b'>]><annotation>&a;</annotation>",
          "has a document type, which annotations of Pascal VOC have not" },
        { ANNOTATION("<object>" BOX("1", "2", "3", "4") "</object>"), "has an object without a name" },
        { ANNOTATION(OBJECT("cat", "")), "has an object (cat) without a whole box" },
        { ANNOTATION(OBJECT("cat", "<bndbox><xmin>1</xmin></bndbox>")), "has an object (cat) without a whole box" },
        { ANNOTATION(OBJECT("cat", BOX("3", "2", "3", "4"))), "has a box without area (cat: 3,2 to 3,4)" },
        { ANNOTATION(OBJECT("cat", BOX("a", "2", "3", "4"))), "has a where xmin is a number of pixels" },
        { ANNOTATION(OBJECT("cat", BOX("nan", "2", "3", "4"))), "has nan where xmin is a number of pixels" },
        { ANNOTATION(OBJECT("cat", BOX("1", "", "3", "4"))), "has nothing where ymin is a number of pixels" },
        { ANNOTATION(OBJECT("cat", BOX("1", "2", "1e9", "4"))), "has 1e9 where xmax is a number of pixels" },
        { ANNOTATION(OBJECT(" ", BOX("1", "2", "3", "4"))), "has an object whose name is not of 1 to 255 bytes" },
        { ANNOTATION(OBJECT("a\tb", BOX("1", "2", "3", "4"))), "has an object whose name holds control characters" },
        { ANNOTATION("<size><width>-5</width></size>"), "has an image of -5 pixels" },
    };
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    struct voc v;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct err err = {0};

        assert_int_equal(voc_parse(bad[i].xml, strlen(bad[i].xml), mem, &v, &err), -1);
        assert_int_equal(err.kind, ERR_BAD_INPUT);
        assert_string_equal(err.text, bad[i].reason);
    }
}

static void depth_and_length_do_no_harm(void **state)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    CLEANUP(text_done) struct text xml = {0};
    struct err err = {0};
    struct voc v;

    (void)state;
    text_add(&xml, "<annotation>");
    for (int i = 0; i < 10000; i++)
        text_add(&xml, "<object>");
    for (int i = 0; i < 9999; i++)
        text_add(&xml, "</object>");
    text_add(&xml, "<name>");
    for (int i = 0; i < 1000; i++)
        text_add(&xml, "long");
    text_add(&xml, "</name></object></annotation>");
    assert_int_equal(voc_parse(xml.data, xml.len, mem, &v, &err), -1);
    assert_string_equal(err.text, "has an object whose name is not of 1 to 255 bytes");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_annotation_gives_its_size_and_boxes),
        cmocka_unit_test(an_image_may_show_nothing_or_a_thousand_things),
        cmocka_unit_test(what_does_not_fit_is_refused_with_the_reason),
        cmocka_unit_test(depth_and_length_do_no_harm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

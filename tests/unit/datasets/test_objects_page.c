// SPDX-License-Identifier: Apache-2.0
#include "datasets/objects_page.h"

#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#define INDEX "train\tcat1\t/d/cat1.jpg\t10\t10\t2\tcat,1,2,3,4;big dog,5,6,7,8\n" \
              "val\tdog1\tJPEGImages/dog1.jpg\t10\t10\t0\t\n" \
              "no index line\n" \
              "train\tcat2\t/d/cat2.jpg\t10\t10\t1\tcat,1,2,3,4\n"

static struct list read_page(const char *text, const char *split, int64_t start, int64_t length, struct mem *mem)
{
    CLEANUP(fd_closep) int fd = memfd_create("index", MFD_CLOEXEC);
    struct err err = {0};
    struct list page;

    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    assert_int_equal(objects_page_read(fd, "/set", split, start, length, mem, &page, &err), 0);
    return page;
}

static void a_page_is_of_one_split_in_its_order(void **state)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    const struct list page = read_page(INDEX, "train", 0, 10, mem);
    const struct picture *p = page.items;

    (void)state;
    assert_int_equal(page.n, 2);
    assert_string_equal(p[0].name, "cat1");
    assert_string_equal(p[0].path, "/d/cat1.jpg");
    assert_string_equal(p[0].labels, "cat,big dog");
    assert_string_equal(p[1].name, "cat2");
}

static void a_relative_path_is_below_the_dataset(void **state)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    const struct list page = read_page(INDEX, "val", 0, 10, mem);
    const struct picture *p = page.items;

    (void)state;
    assert_int_equal(page.n, 1);
    assert_string_equal(p[0].path, "/set/JPEGImages/dog1.jpg");
    assert_string_equal(p[0].labels, "");
}

static void a_page_begins_where_it_was_asked_to_and_may_be_empty(void **state)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    struct list page = read_page(INDEX, "train", 1, 10, mem);

    (void)state;
    assert_int_equal(page.n, 1);
    assert_string_equal(((const struct picture *)page.items)[0].name, "cat2");
    page = read_page(INDEX, "train", 2, 10, mem);
    assert_int_equal(page.n, 0);
    page = read_page(INDEX, "test", 0, 10, mem);
    assert_int_equal(page.n, 0);
    page = read_page(INDEX, "train", 0, 1, mem);
    assert_int_equal(page.n, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_page_is_of_one_split_in_its_order),
        cmocka_unit_test(a_relative_path_is_below_the_dataset),
        cmocka_unit_test(a_page_begins_where_it_was_asked_to_and_may_be_empty),
    };

    return cmocka_run_group_tests_name("objects_page", tests, NULL, NULL);
}

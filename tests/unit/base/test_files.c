// SPDX-License-Identifier: Apache-2.0
#include "base/files.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"

struct fixture {
    char dir[64];       /* removed at the end */
    struct mem *mem;
    struct err err;
};

static struct fixture open_fixture(void)
{
    struct fixture f = { .dir = "/tmp/test_files.XXXXXX", .mem = mem_new() };

    assert_non_null(mkdtemp(f.dir));
    return f;
}

static void fixture_done(struct fixture *f)
{
    assert_int_equal(file_remove_tree(f->dir, &f->err), 0);
    assert_false(file_exists(f->dir));
    mem_free(f->mem);
}

static char *at(struct fixture *f, const char *name)
{
    return mem_printf(f->mem, "%s/%s", f->dir, name);
}

static void put(struct fixture *f, const char *name, const char *data)
{
    assert_int_equal(file_write(at(f, name), data, strlen(data), 0644, &f->err), 0);
}

static void assert_holds(struct fixture *f, const char *name, const char *data)
{
    CLEANUP(text_done) struct text t = {0};

    assert_int_equal(file_read(at(f, name), 1 << 20, &t, &f->err), 0);
    assert_string_equal(t.data, data);
}

static mode_t mode_of(const char *path)
{
    struct stat st;

    assert_int_equal(lstat(path, &st), 0);
    return st.st_mode & 07777;
}

static void folders_are_made_with_all_above_them(void **state)
{
    CLEANUP(fixture_done) struct fixture f = open_fixture();

    (void)state;
    assert_int_equal(file_mkdirs(at(&f, "a/b//c/"), 0750, &f.err), 0);
    assert_true(file_is_dir(at(&f, "a/b/c")));
    assert_int_equal(file_mkdirs(at(&f, "a/b"), 0750, &f.err), 0);
    put(&f, "file", "x");
    assert_int_equal(file_mkdirs(at(&f, "file"), 0750, &f.err), -1);
    assert_non_null(strstr(f.err.text, "in the way"));
    assert_int_equal(file_mkdirs(at(&f, "file/below"), 0750, &f.err), -1);
}

static void a_written_file_is_read_back_with_its_mode_and_no_leftovers(void **state)
{
    CLEANUP(fixture_done) struct fixture f = open_fixture();

    (void)state;
    put(&f, "x", "one");
    assert_int_equal(file_write(at(&f, "x"), "two", 3, 0640, &f.err), 0);
    assert_holds(&f, "x", "two");
    assert_int_equal(mode_of(at(&f, "x")), 0640);
    put(&f, "empty", "");
    assert_holds(&f, "empty", "");
    unlink(at(&f, "x"));
    unlink(at(&f, "empty"));
    assert_int_equal(rmdir(f.dir), 0);      /* nothing else was left there */
}

static void a_write_that_cannot_finish_leaves_the_old_file(void **state)
{
    CLEANUP(fixture_done) struct fixture f = open_fixture();

    (void)state;
    assert_int_equal(mkdir(at(&f, "x"), 0755), 0);
    assert_int_equal(file_write(at(&f, "x"), "two", 3, 0640, &f.err), -1);
    assert_int_equal(f.err.kind, ERR_INTERNAL);
    assert_int_equal(rmdir(at(&f, "x")), 0);
    assert_int_equal(rmdir(f.dir), 0);
    assert_int_equal(file_write(at(&f, "x"), "two", 3, 0640, &f.err), -1);  /* no folder */
}

static void a_full_disk_is_told_apart(void **state)
{
    struct err err = {0};

    (void)state;
    if (access("/dev/full", W_OK) < 0)
        skip();
    assert_int_equal(file_copy("/proc/self/exe", "/dev/full", &err), -1);
    assert_int_equal(err.kind, ERR_NO_SPACE);
    assert_true(file_exists("/dev/full"));      /* only half a file is removed, not a device */
}

static void reading_says_absent_and_too_large(void **state)
{
    CLEANUP(fixture_done) struct fixture f = open_fixture();
    CLEANUP(text_done) struct text t = {0};

    (void)state;
    assert_int_equal(file_read(at(&f, "no"), 10, &t, &f.err), -1);
    assert_int_equal(f.err.kind, ERR_NOT_FOUND);
    put(&f, "x", "12345");
    assert_int_equal(file_read(at(&f, "x"), 4, &t, &f.err), -1);
    assert_int_equal(f.err.kind, ERR_TOO_LARGE);
    assert_int_equal(file_read(at(&f, "x"), 5, &t, &f.err), 0);
    assert_int_equal(file_read(f.dir, 5, &t, &f.err), -1);
    assert_int_equal(f.err.kind, ERR_INTERNAL);
}

static void a_copy_has_contents_and_mode(void **state)
{
    CLEANUP(fixture_done) struct fixture f = open_fixture();

    (void)state;
    put(&f, "x", "hello");
    put(&f, "y", "something longer to be replaced");
    assert_int_equal(chmod(at(&f, "x"), 0751), 0);
    assert_int_equal(file_copy(at(&f, "x"), at(&f, "y"), &f.err), 0);
    assert_holds(&f, "y", "hello");
    assert_int_equal(mode_of(at(&f, "y")), 0751);
    assert_int_equal(file_copy(at(&f, "no"), at(&f, "y"), &f.err), -1);
    assert_int_equal(f.err.kind, ERR_NOT_FOUND);
    assert_int_equal(mkfifo(at(&f, "pipe"), 0644), 0);
    assert_int_equal(file_copy(at(&f, "pipe"), at(&f, "z"), &f.err), -1);
    assert_false(file_exists(at(&f, "z")));
}

static void a_tree_is_copied_with_links_as_links(void **state)
{
    CLEANUP(fixture_done) struct fixture f = open_fixture();
    char target[32] = "";

    (void)state;
    assert_int_equal(file_mkdirs(at(&f, "a/b/c"), 0755, &f.err), 0);
    put(&f, "a/b/x", "x");
    assert_int_equal(symlink("../../nowhere", at(&f, "a/b/link")), 0);
    assert_int_equal(symlink("b", at(&f, "a/folder")), 0);
    assert_int_equal(mkfifo(at(&f, "a/pipe"), 0644), 0);
    assert_int_equal(chmod(at(&f, "a/b"), 0555), 0);
    assert_int_equal(file_copy_tree(at(&f, "a"), at(&f, "copy"), &f.err), 0);
    assert_holds(&f, "copy/b/x", "x");
    assert_true(file_is_dir(at(&f, "copy/b/c")));
    assert_int_equal(mode_of(at(&f, "copy/b")), 0555);
    assert_true(readlink(at(&f, "copy/b/link"), target, sizeof target - 1) > 0);
    assert_string_equal(target, "../../nowhere");
    assert_true(readlink(at(&f, "copy/folder"), target, sizeof target - 1) > 0);
    assert_false(file_exists(at(&f, "copy/pipe")));

    put(&f, "a/new", "new");        /* once more, into what exists */
    assert_int_equal(chmod(at(&f, "copy/b"), 0755), 0);
    assert_int_equal(file_copy_tree(at(&f, "a"), at(&f, "copy"), &f.err), 0);
    assert_holds(&f, "copy/new", "new");
    assert_int_equal(file_copy_tree(at(&f, "absent"), at(&f, "copy"), &f.err), -1);
}

static void a_copy_never_writes_through_a_link_in_its_way(void **state)
{
    CLEANUP(fixture_done) struct fixture f = open_fixture();

    (void)state;
    assert_int_equal(file_mkdirs(at(&f, "a"), 0755, &f.err), 0);
    assert_int_equal(file_mkdirs(at(&f, "to"), 0755, &f.err), 0);
    put(&f, "a/x", "new");
    put(&f, "outside", "old");
    assert_int_equal(symlink("../outside", at(&f, "to/x")), 0);
    assert_int_equal(file_copy_tree(at(&f, "a"), at(&f, "to"), &f.err), -1);
    assert_holds(&f, "outside", "old");
}

static void removing_a_tree_leaves_what_its_links_point_to(void **state)
{
    CLEANUP(fixture_done) struct fixture f = open_fixture();

    (void)state;
    assert_int_equal(file_mkdirs(at(&f, "keep/me"), 0755, &f.err), 0);
    put(&f, "keep/x", "x");
    assert_int_equal(file_mkdirs(at(&f, "a/b"), 0755, &f.err), 0);
    assert_int_equal(symlink("../../keep", at(&f, "a/b/folder")), 0);
    assert_int_equal(symlink("../keep/x", at(&f, "a/file")), 0);
    assert_int_equal(symlink("a", at(&f, "to_a")), 0);
    assert_int_equal(file_remove_tree(at(&f, "to_a"), &f.err), 0);      /* only the link */
    assert_true(file_is_dir(at(&f, "a")));
    assert_int_equal(file_remove_tree(at(&f, "a"), &f.err), 0);
    assert_false(file_exists(at(&f, "a")));
    assert_holds(&f, "keep/x", "x");
    assert_true(file_is_dir(at(&f, "keep/me")));
    assert_int_equal(file_remove_tree(at(&f, "keep/x"), &f.err), 0);
    assert_int_equal(file_remove_tree(at(&f, "absent"), &f.err), 0);
}

static void folders_that_forbid_it_are_removed_all_the_same(void **state)
{
    CLEANUP(fixture_done) struct fixture f = open_fixture();

    (void)state;
    assert_int_equal(file_mkdirs(at(&f, "a/b/c"), 0755, &f.err), 0);
    put(&f, "a/b/x", "x");
    assert_int_equal(chmod(at(&f, "a/b"), 0), 0);
    assert_int_equal(chmod(at(&f, "a"), 0555), 0);
    assert_int_equal(file_remove_tree(at(&f, "a"), &f.err), 0);
}

static void a_tree_deeper_than_any_path_may_be_long_is_removed(void **state)
{
    CLEANUP(fixture_done) struct fixture f = open_fixture();
    CLEANUP(fd_closep) int fd = open(f.dir, O_RDONLY | O_DIRECTORY);
    struct rlimit before, few;

    (void)state;
    for (int i = 0; i < 3000; i++) {
        int below;

        assert_int_equal(mkdirat(fd, "deep", 0755), 0);
        assert_int_equal(mkdirat(fd, "wide", 0755), 0);
        below = openat(fd, "deep", O_RDONLY | O_DIRECTORY);
        assert_true(below >= 0);
        close(fd);
        fd = below;
    }
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    few = before;
    few.rlim_cur = 32;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    assert_int_equal(file_remove_tree(at(&f, "deep"), &f.err), 0);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

static void the_base_of_a_path_is_its_last_part(void **state)
{
    (void)state;
    assert_string_equal(path_base("main.py"), "main.py");
    assert_string_equal(path_base("/home/ann/main.py"), "main.py");
    assert_string_equal(path_base("C:\\Users\\ann\\main.py"), "main.py");
    assert_string_equal(path_base("C:\\mixed/main.py"), "main.py");
    assert_string_equal(path_base("a/"), "");
    assert_string_equal(path_base(""), "");
}

static void names_are_one_part_of_a_path(void **state)
{
    static const char *const fine[] = { "a", "main.py", "...", ".hidden", "caf\xC3\xA9", "a b", "a\\b" };
    static const char *const wrong[] = { "", ".", "..", "a/b", "/", "a\nb", "\x7F", "\xC3", "\xFF" };
    char longest[257];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(fine); i++)
        assert_true(path_name_ok(fine[i]));
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        assert_false(path_name_ok(wrong[i]));
    memset(longest, 'x', 256);
    longest[256] = '\0';
    assert_false(path_name_ok(longest));
    assert_true(path_name_ok(longest + 1));
}

static void paths_inside_stay_below_where_they_start(void **state)
{
    static const char *const fine[] = { "a", "a/b", "./a", "a//b", "a/", "./a/b//", ".a/..b" };
    static const char *const wrong[] = {
        "", "/", "/a", "./", ".", "..", "../a", "a/..", "a/../b", "a/./b", "././a", ".//../a", "a\n",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(fine); i++)
        assert_true(path_inside(fine[i]));
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        assert_false(path_inside(wrong[i]));
}

static void links_inside_lead_up_and_then_down(void **state)
{
    static const struct {
        const char *target;
        int depth;
    } fine[] = { { "a", 0 }, { "./a/b", 0 }, { ".", 0 }, { "../a", 1 }, { "..", 1 }, { "../../a/b", 2 } },
      wrong[] = { { "/a", 3 }, { "..", 0 }, { "../a", 0 }, { "a/../b", 3 }, { "../../a", 1 }, { "./../..", 1 } };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(fine); i++)
        assert_true(path_link_inside(fine[i].target, fine[i].depth));
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        assert_false(path_link_inside(wrong[i].target, wrong[i].depth));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(folders_are_made_with_all_above_them),
        cmocka_unit_test(a_written_file_is_read_back_with_its_mode_and_no_leftovers),
        cmocka_unit_test(a_write_that_cannot_finish_leaves_the_old_file),
        cmocka_unit_test(a_full_disk_is_told_apart),
        cmocka_unit_test(reading_says_absent_and_too_large),
        cmocka_unit_test(a_copy_has_contents_and_mode),
        cmocka_unit_test(a_tree_is_copied_with_links_as_links),
        cmocka_unit_test(a_copy_never_writes_through_a_link_in_its_way),
        cmocka_unit_test(removing_a_tree_leaves_what_its_links_point_to),
        cmocka_unit_test(folders_that_forbid_it_are_removed_all_the_same),
        cmocka_unit_test(a_tree_deeper_than_any_path_may_be_long_is_removed),
        cmocka_unit_test(the_base_of_a_path_is_its_last_part),
        cmocka_unit_test(names_are_one_part_of_a_path),
        cmocka_unit_test(paths_inside_stay_below_where_they_start),
        cmocka_unit_test(links_inside_lead_up_and_then_down),
    };

    return cmocka_run_group_tests_name("files", tests, NULL, NULL);
}

// SPDX-License-Identifier: Apache-2.0
#include "http/tls.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/files.h"
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

struct fixture {
    char dir[64], cert[96], key[96];
};

static struct fixture set_up(void)
{
    struct fixture f = { .dir = "/tmp/test-tls-XXXXXX" };

    assert_non_null(mkdtemp(f.dir));
    snprintf(f.cert, sizeof f.cert, "%s/tls/cert.pem", f.dir);
    snprintf(f.key, sizeof f.key, "%s/tls/key.pem", f.dir);
    return f;
}

static void tear_down(struct fixture *f)
{
    struct err err = {0};

    assert_int_equal(file_remove_tree(f->dir, &err), 0);
}

static struct text read_all(const char *path)
{
    struct text t = {0};
    struct err err = {0};

    assert_int_equal(file_read(path, 1 << 20, &t, &err), 0);
    return t;
}

static void the_first_start_makes_a_pair_that_only_we_read(void **state)
{
    CLEANUP(tear_down) struct fixture f = set_up();
    struct err err = {0};
    struct stat st;
    int64_t expiry = 0, in_ten_years = clock_unix_ms() + INT64_C(3650) * 86400000;

    (void)state;
    assert_int_equal(tls_ensure(f.cert, f.key, &err), 0);
    assert_int_equal(stat(f.key, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(tls_expiry(f.cert, &expiry, &err), 0);
    assert_true(expiry > in_ten_years - 60000 && expiry < in_ten_years + 60000);
}

static void what_is_there_is_left_alone(void **state)
{
    CLEANUP(tear_down) struct fixture f = set_up();
    CLEANUP(text_done) struct text before = {0}, after = {0};
    struct err err = {0};

    (void)state;
    assert_int_equal(tls_ensure(f.cert, f.key, &err), 0);
    before = read_all(f.cert);
    assert_int_equal(tls_ensure(f.cert, f.key, &err), 0);
    after = read_all(f.cert);
    assert_string_equal(before.data, after.data);
}

static void a_key_alone_is_given_a_certificate(void **state)
{
    CLEANUP(tear_down) struct fixture f = set_up();
    CLEANUP(text_done) struct text before = {0}, after = {0};
    struct err err = {0};

    (void)state;
    assert_int_equal(tls_ensure(f.cert, f.key, &err), 0);
    before = read_all(f.key);
    assert_int_equal(remove(f.cert), 0);
    assert_int_equal(tls_ensure(f.cert, f.key, &err), 0);
    after = read_all(f.key);
    assert_string_equal(before.data, after.data);
    assert_true(file_exists(f.cert));
}

static void a_certificate_without_its_key_is_a_conflict(void **state)
{
    CLEANUP(tear_down) struct fixture f = set_up();
    struct err err = {0};

    (void)state;
    assert_int_equal(tls_ensure(f.cert, f.key, &err), 0);
    assert_int_equal(remove(f.key), 0);
    assert_int_equal(tls_ensure(f.cert, f.key, &err), -1);
    assert_int_equal(err.kind, ERR_CONFLICT);
    assert_non_null(strstr(err.text, f.key));
}

static void a_missing_or_broken_certificate_has_no_end(void **state)
{
    CLEANUP(tear_down) struct fixture f = set_up();
    struct err err = {0};
    int64_t expiry;

    (void)state;
    assert_int_equal(tls_expiry(f.cert, &expiry, &err), -1);
    assert_int_equal(err.kind, ERR_NOT_FOUND);
    assert_int_equal(tls_ensure(f.cert, f.key, &err), 0);
    assert_int_equal(tls_expiry(f.key, &expiry, &err), -1);
    assert_int_equal(err.kind, ERR_BAD_INPUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_start_makes_a_pair_that_only_we_read),
        cmocka_unit_test(what_is_there_is_left_alone),
        cmocka_unit_test(a_key_alone_is_given_a_certificate),
        cmocka_unit_test(a_certificate_without_its_key_is_a_conflict),
        cmocka_unit_test(a_missing_or_broken_certificate_has_no_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: Apache-2.0
#include "frameworks/interpreter.h"

#include "frameworks/framework.h"
#include "site.h"

struct fixture {
    struct site site;
    struct framework framework;
    struct interpreter_wish wish;
    struct interpreter found;
    struct text log;
    struct err err;
};

static void fixture_done(struct fixture *f)
{
    text_done(&f->log);
    site_done(&f->site);
}

/* A site with conda environments "a" and "b", of which "b" has only the long name. */
static void fixture_init(struct fixture *f)
{
    *f = (struct fixture){ .site = site_new() };
    f->wish = (struct interpreter_wish){ .settings = &f->site.settings, .framework = &f->framework };
    f->site.settings.conda_home = mem_printf(f->site.mem, "%s/conda", f->site.dir);
    site_write(&f->site, "conda/envs/a/bin/python", 0755, "#!/bin/sh\n");
    site_write(&f->site, "conda/envs/b/bin/python3", 0755, "#!/bin/sh\n");
    site_write(&f->site, "conda/envs/c/bin/python", 0644, "not a program");
    site_write(&f->site, "other/envs/a/bin/python", 0755, "#!/bin/sh\n");
}

static int choose(struct fixture *f)
{
    f->err = (struct err){0};
    text_clear(&f->log);
    return interpreter_choose(&f->wish, f->site.mem, &f->found, &f->log, &f->err);
}

static void expect(struct fixture *f, const char *below_site)
{
    if (choose(f) < 0)
        fail_msg("%s", f->err.text);
    assert_string_equal(f->found.python, mem_printf(f->site.mem, "%s/%s", f->site.dir, below_site));
}

static void the_site_interpreter_is_used_when_nothing_else_is_named(void **state)
{
    CLEANUP(fixture_done) struct fixture f;

    (void)state;
    fixture_init(&f);
    assert_int_equal(choose(&f), 0);
    assert_string_equal(f.found.python, "/usr/bin/python3");
    assert_null(f.found.conda_env);
    f.framework.python = "/bin/sh";
    assert_int_equal(choose(&f), 0);
    assert_string_equal(f.found.python, "/bin/sh");
}

static void the_request_wins_over_the_definition_and_that_over_the_site(void **state)
{
    CLEANUP(fixture_done) struct fixture f;

    (void)state;
    fixture_init(&f);
    f.site.settings.default_conda_env = "a";
    expect(&f, "conda/envs/a/bin/python");
    f.framework.conda_env = "b";
    expect(&f, "conda/envs/b/bin/python3");
    f.wish.conda_env = "a";
    expect(&f, "conda/envs/a/bin/python");
    f.wish.conda_home = mem_printf(f.site.mem, "%s/other", f.site.dir);
    expect(&f, "other/envs/a/bin/python");
    assert_string_equal(f.found.conda_env, "a");
    assert_string_equal(f.found.conda_home, f.wish.conda_home);
    assert_string_equal(f.found.bin, mem_printf(f.site.mem, "%s/other/envs/a/bin", f.site.dir));
}

static void a_missing_environment_is_named_with_the_folder_it_should_be_in(void **state)
{
    static const char *const names[] = { "dlipy3", "c", "../envs/a", ".", "a/../b" };
    CLEANUP(fixture_done) struct fixture f;

    (void)state;
    fixture_init(&f);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        f.wish.conda_env = names[i];
        assert_int_equal(choose(&f), -1);
        assert_int_equal(f.err.kind, ERR_BAD_INPUT);
        assert_string_equal(f.err.field, "--conda-env-name");
    }
    f.wish.conda_env = "dlipy3";
    assert_int_equal(choose(&f), -1);
    assert_string_equal(f.err.text, mem_printf(f.site.mem, "environment dlipy3 is not in %s/conda/envs",
                                               f.site.dir));
    f.site.settings.conda_home = "";
    assert_int_equal(choose(&f), -1);
    assert_non_null(strstr(f.err.text, "paths.conda"));
}

static void a_site_whose_own_choice_is_missing_is_unavailable(void **state)
{
    CLEANUP(fixture_done) struct fixture f;

    (void)state;
    fixture_init(&f);
    f.site.settings.default_conda_env = "gone";
    assert_int_equal(choose(&f), -1);
    assert_int_equal(f.err.kind, ERR_UNAVAILABLE);
    assert_non_null(strstr(f.err.text, "gone"));

    f.site.settings.default_conda_env = "";
    f.site.settings.python = "/nowhere/python3";
    assert_int_equal(choose(&f), -1);
    assert_int_equal(f.err.kind, ERR_UNAVAILABLE);
    assert_non_null(strstr(f.err.text, "/nowhere/python3"));
    assert_non_null(strstr(f.err.text, "paths.python"));
}

static void a_version_is_found_beside_the_interpreter_or_the_nearest_is_used(void **state)
{
    CLEANUP(fixture_done) struct fixture f;

    (void)state;
    fixture_init(&f);
    site_write(&f.site, "py/bin/python3", 0755, "#!/bin/sh\n");
    site_write(&f.site, "py/bin/python3.99", 0755, "#!/bin/sh\n");
    f.site.settings.python = mem_printf(f.site.mem, "%s/py/bin/python3", f.site.dir);
    f.wish.python_version = "3.99";
    expect(&f, "py/bin/python3.99");
    f.wish.python_version = "3.98";
    expect(&f, "py/bin/python3");
    assert_non_null(strstr(f.log.data, "python 3.98 is not on this machine"));
    f.wish.python_version = "1.5";
    assert_int_equal(choose(&f), -1);
    assert_string_equal(f.err.field, "--python-version");
    f.wish.python_version = "3/../../sh";
    assert_int_equal(choose(&f), -1);
    assert_string_equal(f.err.field, "--python-version");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_site_interpreter_is_used_when_nothing_else_is_named),
        cmocka_unit_test(the_request_wins_over_the_definition_and_that_over_the_site),
        cmocka_unit_test(a_missing_environment_is_named_with_the_folder_it_should_be_in),
        cmocka_unit_test(a_site_whose_own_choice_is_missing_is_unavailable),
        cmocka_unit_test(a_version_is_found_beside_the_interpreter_or_the_nearest_is_used),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: Apache-2.0
#include "frameworks/generator.h"

#include "site.h"

#include <poll.h>
#include <sys/syscall.h>

struct fixture {
    struct site site;
    struct generator_call call;
    const char *const *argv;
    struct text log;
    struct err err;
};

static void fixture_done(struct fixture *f)
{
    text_done(&f->log);
    site_done(&f->site);
}

static void fixture_init(struct fixture *f)
{
    static const char *const env[] = { "PATH=/usr/bin:/bin", "MODEL=/work/main.py", NULL };
    static const char *const program[] = { "--lr", "a b" };

    *f = (struct fixture){ .site = site_new() };
    f->call = (struct generator_call){ .settings = &f->site.settings, .name = "Gen.py", .cwd = f->site.dir,
                                       .python = "/usr/bin/python3", .env = env,
                                       .program = { .items = (void *)program, .n = 2 } };
}

/* Runs the text as the generator of that name. */
static int generate(struct fixture *f, const char *name, mode_t mode, const char *text)
{
    f->err = (struct err){0};
    f->call.name = name;
    text_clear(&f->log);
    site_write(&f->site, mem_printf(f->site.mem, "shared/tools/dl_plugins/%s", name), mode, text);
    return generator_run(&f->call, f->site.mem, &f->argv, &f->log, &f->err);
}

static void the_last_line_is_the_command_and_the_lines_before_are_logged(void **state)
{
    CLEANUP(fixture_done) struct fixture f;

    (void)state;
    fixture_init(&f);
    assert_int_equal(generate(&f, "Gen.py", 0755,
        "#!/usr/bin/env python3\n"
        "import json, os, sys\n"
        "print('looking around')\n"
        "sys.stderr.write('careful\\n')\n"
        "command = 'run.sh ' + os.environ['MODEL'] + ' -- ' + ' '.join(\"'%s'\" % a for a in sys.argv[1:])\n"
        "print(json.dumps({'CMD': command + ' ' + os.getcwd()}))\n"
        "print('')\n"), 0);
    assert_string_equal(f.argv[0], "run.sh");
    assert_string_equal(f.argv[1], "/work/main.py");
    assert_string_equal(f.argv[2], "--");
    assert_string_equal(f.argv[3], "--lr");
    assert_string_equal(f.argv[4], "a b");
    assert_string_equal(f.argv[5], f.site.dir);
    assert_null(f.argv[6]);
    assert_string_equal(f.log.data, "looking around\ncareful\n");
}

static void a_python_generator_runs_even_if_its_own_interpreter_is_missing(void **state)
{
    static const char *const first_lines[] = { "#!/usr/bin/env python2.0", "#!/opt/none/python", "# none" };
    CLEANUP(fixture_done) struct fixture f;

    (void)state;
    fixture_init(&f);
    for (size_t i = 0; i < ARRAY_LEN(first_lines); i++) {
        char *text = mem_printf(f.site.mem, "%s\nprint('{\"CMD\": \"ok\"}')\n", first_lines[i]);

        if (generate(&f, "Gen.py", i == 2 ? 0644 : 0755, text) < 0)
            fail_msg("%s: %s", first_lines[i], f.err.text);
        assert_string_equal(f.argv[0], "ok");
    }
}

static void a_generator_may_lie_beside_its_definition(void **state)
{
    CLEANUP(fixture_done) struct fixture f;

    (void)state;
    fixture_init(&f);
    site_write(&f.site, "plugins/Beside.sh", 0755, "#!/bin/sh\necho '{\"CMD\" : \"true\"}'\n");
    f.call.name = "Beside.sh";
    assert_int_equal(generator_run(&f.call, f.site.mem, &f.argv, &f.log, &f.err), 0);
    assert_string_equal(f.argv[0], "true");
}

static const struct {
    const char *name;
    mode_t mode;
    const char *text, *reason;
} failures[] = {
    { "G.sh", 0755, "#!/bin/sh\necho no GPU here >&2\nexit 3\n", "exit code 3 and said: no GPU here" },
    { "G.sh", 0755, "#!/bin/sh\necho only this; exit 1\n", "said: only this" },
    { "G.sh", 0755, "#!/bin/sh\nexit 1\n", "said: nothing" },
    { "G.sh", 0755, "#!/bin/sh\necho hello\n", "is not {\"CMD\": \"...\"} but hello" },
    { "G.sh", 0755, "#!/bin/sh\n", "but empty" },
    { "G.sh", 0755, "#!/bin/sh\necho '{\"CMD\": 3}'\n", "is not" },
    { "G.sh", 0755, "#!/bin/sh\necho '{\"CMD\": \"  \"}'\n", "empty command" },
    { "G.sh", 0755, "#!/bin/sh\nkill -9 $$\n", "killed by signal 9" },
    { "G.sh", 0644, "#!/bin/sh\n", "cannot be started" },
    { "G.sh", 0755, "#!/opt/none/sh\n", "cannot be started" },
};

static void what_went_wrong_is_said_in_the_generators_own_words(void **state)
{
    CLEANUP(fixture_done) struct fixture f;

    (void)state;
    fixture_init(&f);
    for (size_t i = 0; i < ARRAY_LEN(failures); i++) {
        assert_int_equal(generate(&f, failures[i].name, failures[i].mode, failures[i].text), -1);
        assert_int_equal(f.err.kind, ERR_UNAVAILABLE);
        if (!strstr(f.err.text, failures[i].reason))
            fail_msg("%s: %s", failures[i].text, f.err.text);
    }
    f.call.name = "absent.py";
    assert_int_equal(generator_run(&f.call, f.site.mem, &f.argv, &f.log, &f.err), -1);
    assert_non_null(strstr(f.err.text, "absent.py"));
}

/* Waits for the end of the process whose number is in the file; false when it goes on for 10 s. */
static bool has_ended(struct fixture *f, const char *file)
{
    CLEANUP(text_done) struct text number = {0};
    CLEANUP(fd_closep) int pidfd = -1;

    assert_int_equal(file_read(mem_printf(f->site.mem, "%s/%s", f->site.dir, file), 100, &number, &f->err),
                     0);
    pidfd = (int)syscall(SYS_pidfd_open, atoi(number.data), 0);
    return pidfd < 0 || poll(&(struct pollfd){ .fd = pidfd, .events = POLLIN }, 1, 10000) == 1;
}

static void a_generator_that_hangs_is_ended_with_its_children(void **state)
{
    CLEANUP(fixture_done) struct fixture f;

    (void)state;
    fixture_init(&f);
    f.call.limit_ms = 1000;
    assert_int_equal(generate(&f, "G.sh", 0755, "#!/bin/sh\nsleep 1000 & echo $! > child; sleep 1000\n"),
                     -1);
    assert_string_equal(f.err.text, "generator G.sh took longer than 1 s");
    assert_true(has_ended(&f, "child"));
}

static void a_flood_of_output_is_cut_and_not_kept(void **state)
{
    CLEANUP(fixture_done) struct fixture f;

    (void)state;
    fixture_init(&f);
    assert_int_equal(generate(&f, "G.sh", 0755, "#!/bin/sh\nhead -c 9000000 /dev/zero | tr '\\0' 'a'\n"), -1);
    assert_int_equal(f.err.kind, ERR_UNAVAILABLE);
    assert_true(f.log.len <= (1 << 20) + 4096);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_line_is_the_command_and_the_lines_before_are_logged),
        cmocka_unit_test(a_python_generator_runs_even_if_its_own_interpreter_is_missing),
        cmocka_unit_test(a_generator_may_lie_beside_its_definition),
        cmocka_unit_test(what_went_wrong_is_said_in_the_generators_own_words),
        cmocka_unit_test(a_generator_that_hangs_is_ended_with_its_children),
        cmocka_unit_test(a_flood_of_output_is_cut_and_not_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

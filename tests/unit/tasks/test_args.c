// SPDX-License-Identifier: Apache-2.0
#include "tasks/args.h"

#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static int parse(const char *text, struct mem *mem, struct args *ret, struct err *err)
{
    *err = (struct err){0};
    return args_parse(text, strlen(text), mem, ret, err);
}

/* A list as one text, the words between '|'. */
static const char *joined(const struct list *list, struct mem *mem)
{
    const char *text = "";

    for (size_t i = 0; i < list->n; i++)
        text = mem_printf(mem, "%s%s%s", text, i ? "|" : "", ((const char **)list->items)[i]);
    return text;
}

/* --- words --- */

static const struct {
    const char *args, *program;
} splits[] = {
    { "--exec-start X a  b\t c\n d", "a|b|c|d" },
    { "--exec-start X 'a b' \"c d\"", "a b|c d" },
    { "--exec-start X a'b c'd", "ab cd" },
    { "--exec-start X a\\ b", "a b" },
    { "--exec-start X '' \"\"", "|" },
    { "--exec-start X \"a \\\" b\"", "a \" b" },
    { "--exec-start X \"a\\d\" 'e\\f'", "a\\d|e\\f" },
    { "--exec-start X it's", "it's" },
    { "--exec-start X say \"hello there", "say|\"hello|there" },
    { "--exec-start X a \\\n  b \\\r\n c", "a|b|c" },
    { "--exec-start X a\\\nb", "ab" },
    { "--exec-start X a \\", "a" },
    { "--exec-start X --ddl_opts=_QUOTE_-mode r:2_QUOTE_", "--ddl_opts=-mode r:2" },
    { "--exec-start X _QUOTE_a b_QUOTE_ c", "a b|c" },
    { "--exec-start X _QUOTE_a b\" c", "a b|c" },
    { "--exec-start X lone_QUOTE_ c", "lone_QUOTE_|c" },
    { "--exec-start X '_QUOTE_'", "_QUOTE_" },
    { "--exec-start X größe", "größe" },
};

static void words_are_split_as_a_shell_does(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(splits); i++) {
        CLEANUP(mem_freep) struct mem *mem = mem_new();
        struct args args;
        struct err err;

        if (parse(splits[i].args, mem, &args, &err) < 0)
            fail_msg("%s: %s", splits[i].args, err.text);
        assert_string_equal(joined(&args.program, mem), splits[i].program);
    }
}

/* --- whose word is it --- */

static const struct {
    const char *args, *program, *ignored;
} owners[] = {
    { "--exec-start tensorflow --model-main main.py --model-dir xgb --trainFile /x --valFile /y",
      "--trainFile|/x|--valFile|/y", "" },
    { "caffe train --exec-start Caffe", "caffe|train", "" },
    { "--exec-start PowerAICaffeIBM --model-main solver.prototxt train", "train", "" },
    { "--exec-start X --model resnet --epoch 3", "--model|resnet|--epoch|3", "" },
    { "--exec-start X --numworker 3 --num 4", "--numworker|3|--num|4", "" },
    { "--exec-start X -- --numWorker 3 -- --epochs 10", "--numWorker|3|--|--epochs|10", "" },
    { "--exec-start X --lr 0.1 -- --epochs 10", "--lr|0.1|--epochs|10", "" },
    { "--exec-start X --user-cmd -- bash run.sh --ig a", "bash|run.sh|--ig|a", "" },
    { "--exec-start X --user-cmd torchrun main.py", "torchrun|main.py", "" },
    { "--exec-start X stray --user-cmd -- ls", "ls", "stray (before --)" },
    { "--exec-start X -o json --lr 1", "--lr|1", "" },
    { "--exec-start X -o custom-columns=id,args", "", "" },
    { "--exec-start X --output=json", "", "" },
    { "--exec-start X --lr 1 -o", "--lr|1", "" },
    { "--exec-start X --output out.csv", "--output|out.csv", "" },
    { "--exec-start X --output=out.csv", "--output=out.csv", "" },
    { "--rest-host h --rest-port=1 --master-host m --dli-rest-port 2 --username u --query-args q "
      "--exec-start X rest", "rest", "" },
    { "--exec-start X --rest-port", "", "" },
    { "--exec-start X --exclusive --mpiarg --allow-run-as-root a", "a",
      "--exclusive|--mpiarg --allow-run-as-root" },
    { "--exec-start X --msd-label a=b --msd-attr=c=d", "", "--msd-label a=b|--msd-attr c=d" },
    { "--exec-start X --workerGPULimit 1 --driverMemory 4G --lsf-gpu-syntax \"num=1 mode=shared\"", "",
      "--workerGPULimit 1|--driverMemory 4G|--lsf-gpu-syntax num=1 mode=shared" },
};

static void platform_options_are_taken_and_the_rest_is_the_programs(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(owners); i++) {
        CLEANUP(mem_freep) struct mem *mem = mem_new();
        struct args args;
        struct err err;

        if (parse(owners[i].args, mem, &args, &err) < 0)
            fail_msg("%s: %s", owners[i].args, err.text);
        assert_string_equal(joined(&args.program, mem), owners[i].program);
        assert_string_equal(joined(&args.ignored, mem), owners[i].ignored);
    }
}

static void every_value_lands_in_its_member(void **state)
{
    static const char text[] =
        "--exec-start distPyTorch --ig dli --model-main main.py --model-dir m --appName a "
        "--pbmodel-name VGG16 --pbmodel-cmd TRAIN --submit-user su --consumer /a/b "
        "--conda-home /opt/conda --conda-env-name=dlipy3 --python-version 3.6 "
        "--cs-datastore-meta type=fs,data_path=mnist/x --data-source [] --numWorker=4 "
        "--workerDeviceNum 2 --workerDeviceType GPU --workerMemory 4g --workerMemoryLimit 8GiB "
        "--workerCPULimit 500m --numPs 1 --msd-priority 7 --msd-pending-timeout 60 --msd-warm-interpreter False "
        "--debug-level Info";
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    struct args a;
    struct err err;

    (void)state;
    assert_int_equal(parse(text, mem, &a, &err), 0);
    assert_string_equal(a.framework, "distPyTorch");
    assert_string_equal(a.group, "dli");
    assert_string_equal(a.model_main, "main.py");
    assert_string_equal(a.model_dir, "m");
    assert_string_equal(a.app_name, "a");
    assert_string_equal(a.prebuilt_name, "VGG16");
    assert_string_equal(a.prebuilt_cmd, "train");
    assert_string_equal(a.submit_user, "su");
    assert_string_equal(a.consumer, "/a/b");
    assert_string_equal(a.conda_home, "/opt/conda");
    assert_string_equal(a.conda_env, "dlipy3");
    assert_string_equal(a.python_version, "3.6");
    assert_string_equal(a.datastore_meta, "type=fs,data_path=mnist/x");
    assert_string_equal(a.data_path, "mnist/x");
    assert_string_equal(a.data_source, "[]");
    assert_int_equal(a.n_workers, 4);
    assert_int_equal(a.devices_per_worker, 2);
    assert_string_equal(a.device_type, "gpu");
    assert_int_equal(a.memory_mib, 4096);
    assert_int_equal(a.memory_limit_mib, 8192);
    assert_true(a.cpu_limit == 0.5);
    assert_int_equal(a.n_ps, 1);
    assert_int_equal(a.priority, 7);
    assert_int_equal(a.pending_timeout_s, 60);
    assert_string_equal(a.debug_level, "info");
    assert_true(a.cold);
    assert_string_equal(a.echo, text);
}

static void absent_options_leave_their_members_unset(void **state)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    struct args a;
    struct err err;

    (void)state;
    assert_int_equal(parse("--exec-start PyTorch", mem, &a, &err), 0);
    assert_null(a.group);
    assert_null(a.device_type);
    assert_null(a.data_path);
    assert_false(a.user_cmd);
    assert_false(a.cold);
    assert_true(a.n_workers == INT_UNSET && a.devices_per_worker == INT_UNSET && a.n_ps == INT_UNSET);
    assert_true(a.memory_mib == INT_UNSET && a.memory_limit_mib == INT_UNSET);
    assert_true(a.priority == INT_UNSET && a.pending_timeout_s == INT_UNSET);
    assert_true(isnan(a.cpu_limit));
    assert_int_equal(a.env.n, 0);
}

static void the_last_of_a_repeated_option_wins_and_environment_adds_up(void **state)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    struct args a;
    struct err err;

    (void)state;
    assert_int_equal(parse("--exec-start X --cs-datastore-meta data_path=a --cs-datastore-meta type=fs "
                           "--numWorker 2 --numWorker 3 --msd-env A=1 --msd-env B=x=y --msd-env 'C=d e' "
                           "--sc-runasuser 100", mem, &a, &err), 0);
    assert_null(a.data_path);
    assert_string_equal(a.datastore_meta, "type=fs");
    assert_int_equal(a.n_workers, 3);
    assert_string_equal(joined(&a.env, mem), "A=1|B=x=y|C=d e|DLI_SC_RUNASUSER=100");
}

static void the_elastic_ceiling_is_the_number_of_workers_unless_that_is_given(void **state)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    struct args a;
    struct err err;

    (void)state;
    assert_int_equal(parse("--exec-start X --edt-options maxWorkers=5", mem, &a, &err), 0);
    assert_int_equal(a.n_workers, 5);
    assert_int_equal(parse("--exec-start X --numWorker 2 --edt-options maxWorkers=5", mem, &a, &err), 0);
    assert_int_equal(a.n_workers, 2);
    assert_int_equal(parse("--exec-start X --edt-options maxWorkers=5,foo=1", mem, &a, &err), 0);
    assert_string_equal(joined(&a.ignored, mem), "--edt-options foo");
}

/* --- refusals --- */

static const struct {
    const char *args, *field;
} refusals[] = {
    { "", "--exec-start" },
    { "--model-main main.py", "--exec-start" },
    { "-- --exec-start X", "--exec-start" },
    { "--exec-start", "--exec-start" },
    { "--exec-start --model-main a.py", "--exec-start" },
    { "--exec-start X --model-main=", "--model-main" },
    { "--exec-start X --model-main --", "--model-main" },
    { "--exec-start X --numWorker --workerMemory=4G", "--numWorker" },
    { "--exec-start X --numWorker two", "--numWorker" },
    { "--exec-start X --numWorker 2.5", "--numWorker" },
    { "--exec-start X --numWorker 0", "--numWorker" },
    { "--exec-start X --numWorker -1", "--numWorker" },
    { "--exec-start X --numWorker 99999999999999999999", "--numWorker" },
    { "--exec-start X --edt-options maxWorkers=many", "--edt-options" },
    { "--exec-start X --edt-options maxWorkers", "--edt-options" },
    { "--exec-start X --gpuPerWorker all", "--gpuPerWorker" },
    { "--exec-start X --workerDeviceNum -2", "--workerDeviceNum" },
    { "--exec-start X --workerDeviceType tpu", "--workerDeviceType" },
    { "--exec-start X --workerMemory lots", "--workerMemory" },
    { "--exec-start X --workerMemoryLimit 4X", "--workerMemoryLimit" },
    { "--exec-start X --workerCPULimit 0", "--workerCPULimit" },
    { "--exec-start X --workerCPULimit 1e3", "--workerCPULimit" },
    { "--exec-start X --numPs x", "--numPs" },
    { "--exec-start X --msd-priority 0", "--msd-priority" },
    { "--exec-start X --msd-pending-timeout soon", "--msd-pending-timeout" },
    { "--exec-start X --msd-warm-interpreter maybe", "--msd-warm-interpreter" },
    { "--exec-start X --debug-level loud", "--debug-level" },
    { "--exec-start X --msd-env NAME", "--msd-env" },
    { "--exec-start X --msd-env 1A=2", "--msd-env" },
    { "--exec-start X --msd-env =2", "--msd-env" },
    { "--exec-start X --user-cmd=yes", "--user-cmd" },
    { "--exec-start X --user-cmd", "--user-cmd" },
    { "--exec-start X --user-cmd ls --", "--user-cmd" },
    { "--exec-start X --pbmodel-name VGG16", "--pbmodel-cmd" },
    { "--exec-start X --pbmodel-cmd sing", "--pbmodel-cmd" },
    { "--exec-start X --cs-datastore-meta type=cos", "--cs-datastore-meta" },
    { "--exec-start X --cs-datastore-meta mnist", "--cs-datastore-meta" },
    { "--exec-start X \xff", "args" },
};

static void a_bad_value_is_refused_by_the_name_of_its_option(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
        CLEANUP(mem_freep) struct mem *mem = mem_new();
        struct args args;
        struct err err;

        if (parse(refusals[i].args, mem, &args, &err) == 0)
            fail_msg("accepted: %s", refusals[i].args);
        assert_int_equal(err.kind, ERR_BAD_INPUT);
        assert_string_equal(err.field, refusals[i].field);
        assert_true(err.text[0] && err.accepted[0]);
    }
}

static void a_refusal_says_what_would_be_accepted(void **state)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    struct args args;
    struct err err;

    (void)state;
    assert_int_equal(parse("--exec-start X --numWorker two", mem, &args, &err), -1);
    assert_string_equal(err.text, "--numWorker takes a whole number from 1 to 100000, not \"two\"");
    assert_string_equal(err.accepted, "a whole number from 1 to 100000");
}

static void a_line_beyond_the_limits_is_refused(void **state)
{
    static const char nul[] = "--exec-start X a\0b";
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    CLEANUP(text_done) struct text many = {0};
    struct args args;
    struct err err;

    (void)state;
    assert_int_equal(args_parse(nul, sizeof nul - 1, mem, &args, &err), -1);
    assert_string_equal(err.field, "args");

    text_add(&many, "--exec-start X");
    for (int i = 0; i < ARGS_WORDS_MAX; i++)
        text_add(&many, " w");
    assert_int_equal(args_parse(many.data, many.len, mem, &args, &err), -1);
    assert_string_equal(err.field, "args");

    while (many.len <= ARGS_MAX_BYTES)
        text_add(&many, "x");
    assert_int_equal(args_parse(many.data, many.len, mem, &args, &err), -1);
    assert_string_equal(err.field, "args");
}

/* --- secrets --- */

static const struct {
    const char *args, *echo;
} secrets[] = {
    { "--password hunter2 --exec-start X", "--password *** --exec-start X" },
    { "--password=hunter2 --exec-start X", "--password=*** --exec-start X" },
    { "\"--password=hunter2\" --exec-start  X", "--password=*** --exec-start  X" },
    { "--exec-start X --jwt-token 'hunter2' \\\n a", "--exec-start X --jwt-token *** \\\n a" },
    { "--exec-start X --cs-url-bearer hunter2", "--exec-start X --cs-url-bearer ***" },
    { "--exec-start X --cs-url-bearer=_QUOTE_hunter2 hunter2_QUOTE_ z",
      "--exec-start X --cs-url-bearer=*** z" },
    { "--password --exec-start X", "--password --exec-start X" },
    { "--exec-start X --password", "--exec-start X --password" },
    { "--exec-start X --password hunter2 --password=hunter2",
      "--exec-start X --password *** --password=***" },
};

static void secrets_are_neither_shown_nor_kept(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(secrets); i++) {
        CLEANUP(mem_freep) struct mem *mem = mem_new();
        struct args args;
        struct err err;

        assert_int_equal(parse(secrets[i].args, mem, &args, &err), 0);
        assert_string_equal(args.echo, secrets[i].echo);
        assert_null(strstr(joined(&args.program, mem), "hunter2"));
        assert_null(strstr(joined(&args.ignored, mem), "hunter2"));
    }
}

static void a_programs_own_secret_reaches_it_but_is_not_shown(void **state)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    struct args args;
    struct err err;

    (void)state;
    assert_int_equal(parse("--exec-start X -- --password hunter2 --jwt-token=hunter2 a", mem, &args, &err),
                     0);
    assert_string_equal(joined(&args.program, mem), "--password|hunter2|--jwt-token=hunter2|a");
    assert_string_equal(args.echo, "--exec-start X -- --password *** --jwt-token=*** a");
}

/* --- memory sizes --- */

static void memory_sizes_are_read_in_every_spelling(void **state)
{
    static const struct { const char *text; int64_t mib; } sizes[] = {
        { "4G", 4096 }, { "4g", 4096 }, { "4Gi", 4096 }, { "4GB", 4096 }, { "4GiB", 4096 },
        { "512m", 512 }, { "2048", 2048 }, { "1.5G", 1536 }, { "1t", 1048576 }, { "100k", 1 },
        { "2049k", 3 },
    };
    static const char *const bad[] = { "", "G", "-1G", "0", "4X", "4Gx", "4 G", "0x10", "nan", "9999999T" };
    struct err err;
    int64_t mib;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        assert_int_equal(args_memory_mib("--m", sizes[i].text, &mib, &err), 0);
        assert_int_equal(mib, sizes[i].mib);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_int_equal(args_memory_mib("--m", bad[i], &mib, &err), -1);
        assert_string_equal(err.field, "--m");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_split_as_a_shell_does),
        cmocka_unit_test(platform_options_are_taken_and_the_rest_is_the_programs),
        cmocka_unit_test(every_value_lands_in_its_member),
        cmocka_unit_test(absent_options_leave_their_members_unset),
        cmocka_unit_test(the_last_of_a_repeated_option_wins_and_environment_adds_up),
        cmocka_unit_test(the_elastic_ceiling_is_the_number_of_workers_unless_that_is_given),
        cmocka_unit_test(a_bad_value_is_refused_by_the_name_of_its_option),
        cmocka_unit_test(a_refusal_says_what_would_be_accepted),
        cmocka_unit_test(a_line_beyond_the_limits_is_refused),
        cmocka_unit_test(secrets_are_neither_shown_nor_kept),
        cmocka_unit_test(a_programs_own_secret_reaches_it_but_is_not_shown),
        cmocka_unit_test(memory_sizes_are_read_in_every_spelling),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

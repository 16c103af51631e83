// SPDX-License-Identifier: Apache-2.0
#include "frameworks/plan.h"

#include "site.h"

struct fixture {
    struct site site;
    struct frameworks *frameworks;
    struct framework framework;
    struct grant grant;
    struct text log;
    struct plan_request request;
    struct launch launch;
    struct err err;
};

static void fixture_done(struct fixture *f)
{
    frameworks_free(f->frameworks);
    text_done(&f->log);
    site_done(&f->site);
}

static void fixture_init(struct fixture *f, const char *framework)
{
    static const char *const program[] = { "--epochs", "1" };
    const char *dir;

    *f = (struct fixture){ .site = site_new(), .grant = { .need = { .cpus = 4 } } };
    dir = f->site.dir;
    f->frameworks = frameworks_new(&f->site.settings, &f->err);
    assert_non_null(f->frameworks);
    assert_int_equal(frameworks_find(f->frameworks, framework, f->site.mem, &f->framework, &f->err), 0);
    f->request = (struct plan_request){
        .framework = &f->framework, .settings = &f->site.settings, .exec_id = "ann-1-2", .user = "ann",
        .result_dir = mem_printf(f->site.mem, "%s/results/ann/batchworkdir/ann-1-2", dir),
        .work_dir = mem_printf(f->site.mem, "%s/results/ann/batchworkdir/ann-1-2/_submitted_code", dir),
        .run_dir = mem_printf(f->site.mem, "%s/run/ann-1-2", dir), .os_user = "", .main_file = "main.py",
        .program = { .items = (void *)program, .n = 2 },
        .n_workers = INT_UNSET, .n_ps = INT_UNSET, .devices_per_worker = INT_UNSET, .device_type = "cpu",
        .grant = &f->grant, .wall_ms = 5, .memory_bytes = 7,
    };
    assert_int_equal(file_mkdirs(f->request.work_dir, 0755, &f->err), 0);
}

static int plan(struct fixture *f)
{
    f->err = (struct err){0};
    text_clear(&f->log);
    return plan_make(&f->request, f->site.mem, &f->launch, &f->log, &f->err);
}

/* A variable of a process; NULL when it is not set. */
static const char *variable(const struct fixture *f, int process, const char *name)
{
    for (const char *const *item = f->launch.processes[process].env; *item; item++)
        if (text_starts(*item, name) && (*item)[strlen(name)] == '=')
            return *item + strlen(name) + 1;
    return NULL;
}

/* "@" stands for the site's folder. */
static const char *at_site(struct fixture *f, const char *text)
{
    CLEANUP(text_done) struct text out = {0};

    for (; *text; text++)
        if (*text == '@')
            text_add(&out, f->site.dir);
        else
            text_add_char(&out, *text);
    return mem_strdup(f->site.mem, out.data ? out.data : "");
}

#define JOB "@/results/ann/batchworkdir/ann-1-2"

static const struct {
    const char *name, *value;
} single_variables[] = {
    { "DLI_EXECID", "ann-1-2" }, { "JOB_ID", "ann-1-2" }, { "APP_ID", "ann-1-2" },
    { "TRAINING_ID", "ann-1-2" }, { "TASK_JOB_ID", "ann-1-2" },
    { "USER", "ann" }, { "DLI_SUBMIT_USERNAME", "ann" },
    { "DLI_DATA_FS", "@/data" }, { "DLI_RESULT_FS", "@/results" },
    { "DLI_SHARED_FS", "@/shared" }, { "DL_NFS_PATH", "@/shared" }, { "FABRIC_HOME", "@/shared/fabric" },
    { "RESULT_DIR", JOB }, { "LOG_DIR", JOB "/log/worker-0" }, { "SAVED_MODEL_DIR", JOB "/model" },
    { "CHECKPOINT_DIR", JOB "/checkpoint" }, { "DATA_DIR", "@/data" },
    { "DLI_WORK_DIR", JOB "/_submitted_code" }, { "MODEL_PATH", JOB "/_submitted_code" },
    { "PS_PATH", JOB "/_submitted_code" }, { "MODEL_FILE_LOCATION", JOB "/_submitted_code" },
    { "FRAME_WORK", "PyTorch" }, { "DLI_IS_ELASTIC", "false" }, { "DLI_LOGGER_LEVEL", "info" },
    { "DLI_CS_DATASTORE_META", "type=fs" }, { "RESUME_WEIGHT_PATH", "null" }, { "EXEC_TYPE", "" },
    { "PYTHONPATH", JOB "/_submitted_code:" SOURCE_ROOT "/runtime/python" },
    { "PYTHONUNBUFFERED", "1" }, { "PYTHONUSERBASE", "@/results/ann" },
    { "PATH", "@/shared/tools/bin:/usr/local/bin:/usr/bin:/bin" },
    { "OMP_NUM_THREADS", "4" }, { "OPENBLAS_NUM_THREADS", "4" }, { "MKL_NUM_THREADS", "4" },
    { "NUMEXPR_NUM_THREADS", "4" }, { "CUDA_VISIBLE_DEVICES", "" },
    { "TASK_ID", "1" }, { "DLI_TASK_ID", "0" }, { "MSD_POD_NAME", "ann-1-2-worker-0" },
    { "NODE_RANK", "0" }, { "WMLA_NWORKER", "1" }, { "WMLA_WORKER_NDEVICE", "1" },
    { "APP_NAME", "SingleNodePytorchTrain" },
    { "SUBID", NULL }, { "RANK", NULL }, { "MASTER_ADDR", NULL }, { "TF_CONFIG", NULL },
    { "DLI_CONDA_HOME", NULL },
};

static void a_single_task_gets_the_environment_of_the_contract(void **state)
{
    CLEANUP(fixture_done) struct fixture f;

    (void)state;
    setenv("SECRET_OF_THE_SERVER", "1", 1);
    fixture_init(&f, "pytorch");
    if (plan(&f) < 0)
        fail_msg("%s", f.err.text);
    for (size_t i = 0; i < ARRAY_LEN(single_variables); i++) {
        const char *value = variable(&f, 0, single_variables[i].name);

        if (!single_variables[i].value) {
            assert_null(value);
            continue;
        }
        if (!value)
            fail_msg("%s is not set", single_variables[i].name);
        assert_string_equal(value, at_site(&f, single_variables[i].value));
    }
    assert_non_null(variable(&f, 0, "HOME"));
    assert_non_null(variable(&f, 0, "USER_UID"));
    assert_null(variable(&f, 0, "SECRET_OF_THE_SERVER"));
}

static void a_single_task_is_python_with_the_main_file_and_its_words(void **state)
{
    CLEANUP(fixture_done) struct fixture f;
    const char *const *argv;

    (void)state;
    fixture_init(&f, "tensorflow");
    assert_int_equal(plan(&f), 0);
    assert_int_equal(f.launch.n_processes, 1);
    assert_string_equal(f.launch.processes[0].label, "worker-0");
    assert_false(f.launch.processes[0].service);
    assert_string_equal(f.launch.cwd, f.request.work_dir);
    assert_true(f.launch.wall_ms == 5 && f.launch.memory_bytes == 7 && f.launch.grace_ms == 10000
                && f.launch.files_max == 1024);
    argv = f.launch.processes[0].argv;
    assert_string_equal(argv[0], "/usr/bin/python3");
    assert_string_equal(argv[1], at_site(&f, JOB "/_submitted_code/main.py"));
    assert_string_equal(argv[2], "--epochs");
    assert_string_equal(argv[3], "1");
    assert_null(argv[4]);
    assert_non_null(strstr(f.log.data, "main.py --epochs 1"));
}

static void folders_of_the_task_are_there_before_it_starts(void **state)
{
    CLEANUP(fixture_done) struct fixture f;

    (void)state;
    fixture_init(&f, "PyTorch");
    f.request.data_path = "mnist/raw";
    assert_int_equal(plan(&f), 0);
    assert_true(site_has(&f.site, "results/ann/batchworkdir/ann-1-2/log/worker-0"));
    assert_true(site_has(&f.site, "results/ann/batchworkdir/ann-1-2/checkpoint"));
    assert_true(site_has(&f.site, "results/ann/batchworkdir/ann-1-2/model"));
    assert_true(site_has(&f.site, "data/mnist/raw"));
    assert_string_equal(variable(&f, 0, "DATA_DIR"), at_site(&f, "@/data/mnist/raw"));
}

static void the_model_folder_is_made_as_framework_and_setting_say(void **state)
{
    static const struct { const char *framework, *setting; bool there; } cases[] = {
        { "PyTorch", "auto", true },     { "PyTorch", "never", false },
        { "tensorflow", "auto", false }, { "tensorflow", "always", true },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CLEANUP(fixture_done) struct fixture f;

        fixture_init(&f, cases[i].framework);
        f.site.settings.precreate_model_dir = cases[i].setting;
        assert_int_equal(plan(&f), 0);
        assert_int_equal(site_has(&f.site, "results/ann/batchworkdir/ann-1-2/model"), cases[i].there);
    }
}

static void a_site_without_a_data_root_runs_tasks_without_data_dir(void **state)
{
    CLEANUP(fixture_done) struct fixture f;

    (void)state;
    fixture_init(&f, "PyTorch");
    f.site.settings.data_fs = "";
    assert_int_equal(plan(&f), 0);
    assert_null(variable(&f, 0, "DATA_DIR"));
    assert_non_null(strstr(f.log.data, "DATA_DIR is not set"));
}

static void the_data_folder_never_leaves_the_data_root(void **state)
{
    static const struct { const char *path, *dir; } cases[] = {
        { NULL, "/d" }, { "", "/d" }, { "a/b", "/d/a/b" }, { "/d", "/d" }, { "/d/a", "/d/a" },
        { "/d//a", "/d/a" }, { "..", NULL }, { "a/../../b", NULL }, { "/etc", NULL }, { "/dd", NULL },
        { "/d/../etc", NULL },
    };
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    const struct settings settings = { .data_fs = "/d" };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err err = {0};
        const char *dir = NULL;
        int rc = plan_data_dir(&settings, cases[i].path, mem, &dir, &err);

        if (!cases[i].dir) {
            assert_int_equal(rc, -1);
            assert_string_equal(err.field, "--cs-datastore-meta");
            continue;
        }
        assert_int_equal(rc, 0);
        assert_string_equal(dir, cases[i].dir);
    }
}

static void granted_devices_are_shared_out_among_the_workers(void **state)
{
    CLEANUP(fixture_done) struct fixture f;

    (void)state;
    fixture_init(&f, "distPyTorch");
    f.grant = (struct grant){ .need = { .cpus = 4, .gpus = 4 }, .gpu_index = { 1, 2, 5, 7 } };
    f.request.n_workers = 2;
    f.request.devices_per_worker = 2;
    f.request.device_type = "gpu";
    assert_int_equal(plan(&f), 0);
    assert_string_equal(variable(&f, 0, "CUDA_VISIBLE_DEVICES"), "1,2");
    assert_string_equal(variable(&f, 1, "CUDA_VISIBLE_DEVICES"), "5,7");
    assert_string_equal(variable(&f, 1, "WMLA_WORKER_NDEVICE"), "2");
    assert_string_equal(variable(&f, 1, "OMP_NUM_THREADS"), "2");

    f.request.device_type = "cpu";
    assert_int_equal(plan(&f), 0);
    assert_string_equal(variable(&f, 1, "CUDA_VISIBLE_DEVICES"), "");
}

static void torch_workers_share_a_master_and_have_their_ranks(void **state)
{
    CLEANUP(fixture_done) struct fixture f;

    (void)state;
    fixture_init(&f, "distPyTorch");
    f.request.n_workers = 3;
    assert_int_equal(plan(&f), 0);
    assert_int_equal(f.launch.n_processes, 3);
    for (int i = 0; i < 3; i++) {
        char rank[8];

        snprintf(rank, sizeof rank, "%d", i);
        assert_string_equal(variable(&f, i, "MASTER_ADDR"), "127.0.0.1");
        assert_string_equal(variable(&f, i, "MASTER_PORT"), variable(&f, 0, "MASTER_PORT"));
        assert_string_equal(variable(&f, i, "WORLD_SIZE"), "3");
        assert_string_equal(variable(&f, i, "RANK"), rank);
        assert_string_equal(variable(&f, i, "NODE_RANK"), rank);
        assert_string_equal(variable(&f, i, "LOCAL_RANK"), "0");
        assert_string_equal(variable(&f, i, "DLI_TASK_ID"), rank);
    }
    assert_string_equal(variable(&f, 2, "LOG_DIR"), at_site(&f, JOB "/log/worker-2"));
    assert_true(atoi(variable(&f, 0, "MASTER_PORT")) > 1024);
}

static void tensorflow_workers_have_their_place_in_tf_config(void **state)
{
    CLEANUP(fixture_done) struct fixture f;
    json_t *config;

    (void)state;
    fixture_init(&f, "distTensorflow");
    f.request.n_workers = 2;
    assert_int_equal(plan(&f), 0);
    assert_int_equal(f.launch.n_processes, 2);
    config = json_loads(variable(&f, 1, "TF_CONFIG"), 0, NULL);
    assert_non_null(config);
    assert_int_equal(json_array_size(json_object_get(json_object_get(config, "cluster"), "worker")), 2);
    assert_null(json_object_get(json_object_get(config, "cluster"), "ps"));
    assert_int_equal(json_integer_value(json_object_get(json_object_get(config, "task"), "index")), 1);
    assert_string_equal(json_string_value(json_object_get(json_object_get(config, "task"), "type")),
                        "worker");
    json_decref(config);
    assert_null(f.launch.processes[0].argv[4]);     /* no host options without parameter servers */
}

static void parameter_servers_are_services_and_everyone_is_told_the_hosts(void **state)
{
    CLEANUP(fixture_done) struct fixture f;
    const struct launch_process *ps;
    json_t *config;

    (void)state;
    fixture_init(&f, "disttensorflow");
    f.request.n_workers = 2;
    f.request.n_ps = 1;
    assert_int_equal(plan(&f), 0);
    assert_int_equal(f.launch.n_processes, 3);
    ps = &f.launch.processes[2];
    assert_string_equal(ps->label, "ps-0");
    assert_true(ps->service);
    assert_string_equal(ps->argv[6], "--job_name=ps");
    assert_string_equal(ps->argv[7], "--task_id=0");
    assert_true(text_starts(ps->argv[4], "--worker_hosts=127.0.0.1:"));
    assert_true(text_starts(ps->argv[5], "--ps_hosts=127.0.0.1:"));
    assert_null(ps->argv[8]);
    assert_string_equal(variable(&f, 2, "TASK_ID"), "3");
    config = json_loads(variable(&f, 2, "TF_CONFIG"), 0, NULL);
    assert_int_equal(json_array_size(json_object_get(json_object_get(config, "cluster"), "ps")), 1);
    json_decref(config);
}

static void a_user_command_runs_as_it_stands(void **state)
{
    static const char *const command[] = { "bash", "run.sh", "a b" };
    CLEANUP(fixture_done) struct fixture f;

    (void)state;
    fixture_init(&f, "PyTorch");
    f.request.user_cmd = true;
    f.request.main_file = NULL;
    f.request.program = (struct list){ .items = (void *)command, .n = 3 };
    assert_int_equal(plan(&f), 0);
    assert_string_equal(f.launch.processes[0].argv[0], "bash");
    assert_string_equal(f.launch.processes[0].argv[2], "a b");
    assert_null(f.launch.processes[0].argv[3]);
}

static void variables_of_the_user_come_last(void **state)
{
    static const char *const env[] = { "A=1", "OMP_NUM_THREADS=9", "A=2" };
    CLEANUP(fixture_done) struct fixture f;

    (void)state;
    fixture_init(&f, "PyTorch");
    f.request.env = (struct list){ .items = (void *)env, .n = 3 };
    f.request.sub_id = "7";
    assert_int_equal(plan(&f), 0);
    assert_string_equal(variable(&f, 0, "A"), "2");
    assert_string_equal(variable(&f, 0, "OMP_NUM_THREADS"), "9");
    assert_string_equal(variable(&f, 0, "SUBID"), "7");
}

static void exports_name_only_network_interfaces_that_exist(void **state)
{
    CLEANUP(fixture_done) struct fixture f;

    (void)state;
    fixture_init(&f, "distPyTorch");
    json_object_set_new(f.framework.exports, "GLOO_SOCKET_IFNAME", json_string("nosuchif0"));
    json_object_set_new(f.framework.exports, "NCCL_SOCKET_IFNAME", json_string("lo"));
    json_object_set_new(f.framework.exports, "PLAIN", json_string("yes"));
    assert_int_equal(plan(&f), 0);
    assert_null(variable(&f, 0, "GLOO_SOCKET_IFNAME"));
    assert_string_equal(variable(&f, 0, "NCCL_SOCKET_IFNAME"), "lo");
    assert_string_equal(variable(&f, 0, "PLAIN"), "yes");
    assert_non_null(strstr(f.log.data, "nosuchif0"));
}

static void impossible_requests_are_refused_by_name(void **state)
{
    CLEANUP(fixture_done) struct fixture f;

    (void)state;
    fixture_init(&f, "PyTorch");
    f.request.n_workers = 2;
    assert_int_equal(plan(&f), -1);
    assert_int_equal(f.err.kind, ERR_BAD_INPUT);
    assert_string_equal(f.err.field, "--numWorker");

    f.request.n_workers = 1;
    f.request.main_file = NULL;
    assert_int_equal(plan(&f), -1);
    assert_string_equal(f.err.field, "--model-main");

    f.request.main_file = "main.py";
    f.request.prebuilt_name = "VGG16";
    assert_int_equal(plan(&f), -1);
    assert_string_equal(f.err.field, "--pbmodel-name");

    f.request.prebuilt_name = NULL;
    f.request.os_user = "nobody-of-that-name";
    assert_int_equal(plan(&f), -1);
    assert_int_equal(f.err.kind, ERR_UNAVAILABLE);
}

/* --- warm interpreters --- */

static const struct launch_warm *warm_plan(struct fixture *f)
{
    if (plan(f) < 0)
        fail_msg("%s", f->err.text);
    return f->launch.processes[0].warm;
}

static void a_trial_may_be_started_by_an_interpreter_that_knows_no_task(void **state)
{
    CLEANUP(fixture_done) struct fixture f;
    const struct launch_warm *w;
    const char *path = NULL;

    (void)state;
    fixture_init(&f, "PyTorch");
    f.request.search = "ann-hpo-1";
    f.request.sub_id = "3";
    w = warm_plan(&f);
    assert_non_null(w);
    assert_string_equal(w->argv[0], "/usr/bin/python3");
    assert_string_equal(w->argv[1], SOURCE_ROOT "/runtime/python/tools/warm.py");
    assert_string_equal(w->argv[2], "main.py");
    assert_string_equal(w->argv[3], "torch");
    for (const char *const *item = w->env; *item; item++) {
        assert_null(strstr(*item, "ann-1-2"));
        assert_false(text_starts(*item, "SUBID=") || text_starts(*item, "CUDA_VISIBLE_DEVICES="));
        if (text_starts(*item, "PYTHONPATH="))
            path = *item;
    }
    assert_string_equal(path, "PYTHONPATH=" SOURCE_ROOT "/runtime/python");
}

static void its_command_line_has_room_for_that_of_the_task(void **state)
{
    CLEANUP(fixture_done) struct fixture f;
    const struct launch_process *process;
    size_t room = 0, needed = 0;

    (void)state;
    fixture_init(&f, "PyTorch");
    f.request.search = "ann-hpo-1";
    process = (warm_plan(&f), &f.launch.processes[0]);
    for (const char *const *word = process->warm->argv; *word; word++)
        room += strlen(*word) + 1;
    for (const char *const *word = process->argv; *word; word++)
        needed += strlen(*word) + 1;
    assert_true(room >= needed);
}

static void trials_of_a_search_have_one_key(void **state)
{
    CLEANUP(fixture_done) struct fixture f;
    const char *first;

    (void)state;
    fixture_init(&f, "PyTorch");
    f.request.search = "ann-hpo-1";
    f.request.sub_id = "1";
    first = warm_plan(&f)->key;

    f.request.exec_id = "ann-77-12345";
    f.request.result_dir = mem_printf(f.site.mem, "%s/results/ann/batchworkdir/ann-77-12345", f.site.dir);
    f.request.work_dir = mem_printf(f.site.mem, "%s/_submitted_code", f.request.result_dir);
    f.request.sub_id = "2";
    f.grant.gpu_index[0] = 3;
    assert_string_equal(warm_plan(&f)->key, first);
}

static void whatever_could_make_a_difference_makes_another_key(void **state)
{
    static const char *const env[] = { "A=1" };
    CLEANUP(fixture_done) struct fixture f;
    const char *keys[7];

    (void)state;
    fixture_init(&f, "PyTorch");
    f.request.search = "ann-hpo-1";
    keys[0] = warm_plan(&f)->key;
    f.request.search = "ann-hpo-2";
    keys[1] = warm_plan(&f)->key;
    f.request.user = "bob";
    keys[2] = warm_plan(&f)->key;
    f.request.os_user = "root";
    keys[3] = warm_plan(&f)->key;
    f.request.env = (struct list){ .items = (void *)env, .n = 1 };
    keys[4] = warm_plan(&f)->key;
    f.grant.need.cpus = 2;      /* threads */
    keys[5] = warm_plan(&f)->key;
    f.framework.warm.n--;
    keys[6] = warm_plan(&f)->key;
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(keys[i], keys[k]);
}

static void whatever_is_not_a_plain_trial_is_started_anew(void **state)
{
    static const char *const command[] = { "true" };
    static const struct framework no_modules;

    (void)state;
    for (int what = 0; what < 7; what++) {
        CLEANUP(fixture_done) struct fixture f;

        fixture_init(&f, what == 0 ? "distPyTorch" : "PyTorch");
        f.request.search = "ann-hpo-1";
        if (what == 1)
            f.request.search = NULL;
        if (what == 2)
            f.request.cold = true;
        if (what == 3)
            f.site.settings.warm_interpreters = 0;
        if (what == 4)
            f.request.main_file = "main.sh";
        if (what == 5)
            f.framework.warm = no_modules.warm;
        if (what == 6) {
            f.request.user_cmd = true;
            f.request.program = (struct list){ .items = (void *)command, .n = 1 };
        }
        assert_null(warm_plan(&f));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_single_task_gets_the_environment_of_the_contract),
        cmocka_unit_test(a_single_task_is_python_with_the_main_file_and_its_words),
        cmocka_unit_test(folders_of_the_task_are_there_before_it_starts),
        cmocka_unit_test(the_model_folder_is_made_as_framework_and_setting_say),
        cmocka_unit_test(a_site_without_a_data_root_runs_tasks_without_data_dir),
        cmocka_unit_test(the_data_folder_never_leaves_the_data_root),
        cmocka_unit_test(granted_devices_are_shared_out_among_the_workers),
        cmocka_unit_test(torch_workers_share_a_master_and_have_their_ranks),
        cmocka_unit_test(tensorflow_workers_have_their_place_in_tf_config),
        cmocka_unit_test(parameter_servers_are_services_and_everyone_is_told_the_hosts),
        cmocka_unit_test(a_user_command_runs_as_it_stands),
        cmocka_unit_test(variables_of_the_user_come_last),
        cmocka_unit_test(exports_name_only_network_interfaces_that_exist),
        cmocka_unit_test(impossible_requests_are_refused_by_name),
        cmocka_unit_test(a_trial_may_be_started_by_an_interpreter_that_knows_no_task),
        cmocka_unit_test(its_command_line_has_room_for_that_of_the_task),
        cmocka_unit_test(trials_of_a_search_have_one_key),
        cmocka_unit_test(whatever_could_make_a_difference_makes_another_key),
        cmocka_unit_test(whatever_is_not_a_plain_trial_is_started_anew),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

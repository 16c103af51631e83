// SPDX-License-Identifier: Apache-2.0
#include "frameworks/framework.h"

#include "frameworks/versions.h"
#include "site.h"

struct fixture {
    struct site site;
    struct frameworks *frameworks;
    struct framework found;
    struct err err;
};

static void fixture_done(struct fixture *f)
{
    frameworks_free(f->frameworks);
    site_done(&f->site);
}

static void fixture_init(struct fixture *f)
{
    *f = (struct fixture){ .site = site_new() };
    f->frameworks = frameworks_new(&f->site.settings, &f->err);
    if (!f->frameworks)
        fail_msg("%s", f->err.text);
}

static int find(struct fixture *f, const char *name)
{
    f->err = (struct err){0};
    return frameworks_find(f->frameworks, name, f->site.mem, &f->found, &f->err);
}

/* The listed definition of exactly this name; NULL when there is none. */
static const struct framework *listed(struct fixture *f, const char *name)
{
    const struct framework *items;
    struct list all;

    assert_int_equal(frameworks_all(f->frameworks, f->site.mem, &all, &f->err), 0);
    items = all.items;
    for (size_t i = 0; i < all.n; i++)
        if (strcmp(items[i].name, name) == 0)
            return &items[i];
    return NULL;
}

static void the_shipped_names_are_found_in_any_case_and_by_alias(void **state)
{
    static const struct { const char *name, *found; } names[] = {
        { "PyTorch", "PyTorch" }, { "pytorch", "PyTorch" }, { "TENSORFLOW", "tensorflow" },
        { "keras", "keras" }, { "distPyTorch", "distPyTorch" }, { "distTensorflow", "disttensorflow" },
        { "tensorflow_v1", "tensorflow" },
    };
    CLEANUP(fixture_done) struct fixture f;

    (void)state;
    fixture_init(&f);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        assert_int_equal(find(&f, names[i].name), 0);
        assert_string_equal(f.found.name, names[i].found);
    }
}

static void what_this_version_lacks_is_listed_and_refused_with_its_reason(void **state)
{
    static const char *const names[] = { "edtPyTorch", "elasticPyTorch", "elasticTensorflow", "edtTf1x",
                                         "edtKeras", "Caffe", "PowerAICaffeIBM" };
    CLEANUP(fixture_done) struct fixture f;

    (void)state;
    fixture_init(&f);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        assert_int_equal(find(&f, names[i]), -1);
        assert_int_equal(f.err.kind, ERR_BAD_INPUT);
        assert_non_null(strstr(f.err.text, "not part of this version"));
        assert_string_equal(f.err.field, "--exec-start");
    }
    assert_false(listed(&f, "edtPyTorch")->installed);
}

static void an_unknown_name_gets_the_closest_one(void **state)
{
    CLEANUP(fixture_done) struct fixture f;
    char long_name[2000];

    (void)state;
    fixture_init(&f);
    assert_int_equal(find(&f, "PyTroch"), -1);
    assert_int_equal(f.err.kind, ERR_BAD_INPUT);
    assert_string_equal(f.err.text, "no framework \"PyTroch\"; did you mean PyTorch?"
                                    " GET /execs/frameworks lists them");
    assert_non_null(strstr(f.err.accepted, "tensorflow"));

    assert_int_equal(find(&f, "somethingelse"), -1);
    assert_null(strstr(f.err.text, "did you mean"));
    memset(long_name, 'x', sizeof long_name);
    long_name[sizeof long_name - 1] = '\0';
    assert_int_equal(find(&f, long_name), -1);
    assert_int_equal(find(&f, ""), -1);
}

static void a_plugin_appears_changes_and_goes_without_a_restart(void **state)
{
    CLEANUP(fixture_done) struct fixture f;

    (void)state;
    fixture_init(&f);
    assert_int_equal(find(&f, "XGBoost"), -1);

    site_write(&f.site, "shared/tools/dl_plugins/XGboostCmdGen.py", 0755, "");
    site_write(&f.site, "plugins/XGboost.conf", 0644,
               "{ 'desc': [ { ' ': 'line one' }, { ' ': 'line two' } ], # a comment\n"
               "  \"appName Desc\": \"name shown\", \"appName\": \"XgbTrain\", 'numWorkers': '1',\n"
               "  'workerMemory': '2G', 'frameworkCmdGenerator': 'XGboostCmdGen.py', }");
    assert_int_equal(find(&f, "xgboost"), 0);
    assert_string_equal(f.found.name, "XGboost");
    assert_string_equal(f.found.app_name, "XgbTrain");
    assert_string_equal(f.found.launch, "generator");
    assert_int_equal(f.found.desc.n, 2);
    assert_string_equal(((const char **)f.found.desc.items)[1], "line two");
    assert_int_equal(f.found.n_workers, 1);

    site_write(&f.site, "plugins/XGboost.conf", 0644, "{ 'appName': 'Other' }");
    assert_int_equal(find(&f, "xgboost"), 0);
    assert_string_equal(f.found.app_name, "Other");
    assert_string_equal(f.found.launch, "python");

    assert_int_equal(unlink(mem_printf(f.site.mem, "%s/plugins/XGboost.conf", f.site.dir)), 0);
    assert_int_equal(find(&f, "xgboost"), -1);
    assert_null(listed(&f, "XGboost"));
}

static const struct {
    const char *text, *reason;
} broken[] = {
    { "{ 'appName': ", "line 1" },
    { "[]", "cannot be read" },
    { "", "cannot be read" },
    { "{ 'numWorkers': 'many' }", "numWorkers" },
    { "{ 'execMode': 'sideways' }", "execMode" },
    { "{ 'exports': { 'A': 1 } }", "exports.A" },
    { "{ 'launch': 'generator' }", "no frameworkCmdGenerator" },
    { "{ 'frameworkCmdGenerator': 'absent.py' }", "its generator absent.py is neither in" },
    { "{ 'frameworkCmdGenerator': '../../etc/passwd' }", "is neither in" },
};

static void a_broken_plugin_is_listed_with_what_is_wrong(void **state)
{
    CLEANUP(fixture_done) struct fixture f;

    (void)state;
    fixture_init(&f);
    for (size_t i = 0; i < ARRAY_LEN(broken); i++) {
        const struct framework *it;

        site_write(&f.site, "plugins/Odd.conf", 0644, broken[i].text);
        it = listed(&f, "Odd");
        assert_non_null(it);
        assert_false(it->installed);
        if (!strstr(it->missing, broken[i].reason))
            fail_msg("%s: %s", broken[i].text, it->missing);
        assert_int_equal(find(&f, "Odd"), -1);
        assert_non_null(strstr(f.err.text, broken[i].reason));
        assert_int_equal(find(&f, "PyTorch"), 0);
    }
}

static void a_plugin_replaces_the_shipped_definition_of_its_name(void **state)
{
    CLEANUP(fixture_done) struct fixture f;

    (void)state;
    fixture_init(&f);
    site_write(&f.site, "plugins/PyTorch.conf", 0644, "{ 'appName': 'Ours', 'condaEnv': 'torch2' }");
    assert_int_equal(find(&f, "pytorch"), 0);
    assert_string_equal(f.found.app_name, "Ours");
    assert_string_equal(f.found.conda_env, "torch2");
    assert_string_equal(listed(&f, "PyTorch")->app_name, "Ours");
}

static void replies_hide_what_is_not_for_clients(void **state)
{
    CLEANUP(text_done) struct text json = {0};
    CLEANUP(fixture_done) struct fixture f;
    json_t *reply;

    (void)state;
    fixture_init(&f);
    fields_to_text(framework_fields, listed(&f, "distPyTorch"), &json);
    reply = json_loads(json.data, 0, NULL);
    assert_non_null(reply);
    assert_string_equal(json_string_value(json_object_get(reply, "description")), "");
    assert_string_equal(json_string_value(json_object_get(reply, "execMode")), "distributed");
    assert_true(json_is_array(json_object_get(reply, "desc")));
    assert_true(json_is_object(json_object_get(reply, "exports")));
    assert_null(json_object_get(reply, "launch"));
    assert_null(json_object_get(reply, "aliases"));
    assert_null(json_object_get(reply, "missing"));
    json_decref(reply);
}

static void the_tools_of_plugins_are_put_back_when_they_differ(void **state)
{
    CLEANUP(fixture_done) struct fixture f;
    CLEANUP(text_done) struct text text = {0};
    struct stat st;

    (void)state;
    fixture_init(&f);
    assert_true(site_has(&f.site, "shared/tools/launcher/launcher.py"));
    assert_true(site_has(&f.site, "shared/tools/bin/activate"));
    site_write(&f.site, "shared/tools/spark_tf_launcher/launcher.py", 0644, "old");
    frameworks_free(f.frameworks);
    f.frameworks = frameworks_new(&f.site.settings, &f.err);
    assert_non_null(f.frameworks);
    assert_int_equal(file_read(mem_printf(f.site.mem, "%s/shared/tools/spark_tf_launcher/launcher.py",
                                          f.site.dir), 1 << 20, &text, &f.err), 0);
    assert_true(text_starts(text.data, "#!/usr/bin/env python3"));
    assert_int_equal(stat(mem_printf(f.site.mem, "%s/shared/tools/bin/python", f.site.dir), &st), 0);
    assert_true(st.st_mode & 0100);
}

static void a_registry_without_its_definitions_says_where_it_looked(void **state)
{
    CLEANUP(site_done) struct site site = site_new();
    struct err err = {0};

    (void)state;
    site.settings.frameworks_dir = "/nowhere";
    assert_null(frameworks_new(&site.settings, &err));
    assert_int_equal(err.kind, ERR_UNAVAILABLE);
    assert_non_null(strstr(err.text, "/nowhere"));
    assert_non_null(strstr(err.text, "paths.frameworks"));
}

static void versions_are_read_from_what_installing_left(void **state)
{
    static const struct { const char *file, *text, *version; } cases[] = {
        { "a/lib/python3.9/site-packages/torch/version.py", "debug = 1\n__version__ = '2.1.0'\n", "2.1.0" },
        { "b/lib/python3/dist-packages/torch-1.13.0a0+x.egg-info/PKG-INFO", "", "1.13.0a0+x" },
        { "c/lib/python3.11/site-packages/torch-2.2.1.dist-info/METADATA", "", "2.2.1" },
        { "d/local/lib/python3.11/dist-packages/torch-1.0-py3.11.egg-info", "", "1.0" },
        { "e/lib/python3.11/site-packages/torchvision-1.0.dist-info/METADATA", "", NULL },
        { "f/lib/python3.11/site-packages/torch/version.py", "__version__ = compute()\n", NULL },
    };
    CLEANUP(site_done) struct site s = site_new();

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *python = mem_printf(s.mem, "%s/%c/bin/python", s.dir, cases[i].file[0]);
        char *version;

        site_write(&s, cases[i].file, 0644, cases[i].text);
        version = package_version(python_prefix(python, s.mem), "torch", s.mem);
        if (cases[i].version)
            assert_string_equal(version, cases[i].version);
        else
            assert_null(version);
    }
    assert_null(python_prefix("python", s.mem));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_shipped_names_are_found_in_any_case_and_by_alias),
        cmocka_unit_test(what_this_version_lacks_is_listed_and_refused_with_its_reason),
        cmocka_unit_test(an_unknown_name_gets_the_closest_one),
        cmocka_unit_test(a_plugin_appears_changes_and_goes_without_a_restart),
        cmocka_unit_test(a_broken_plugin_is_listed_with_what_is_wrong),
        cmocka_unit_test(a_plugin_replaces_the_shipped_definition_of_its_name),
        cmocka_unit_test(replies_hide_what_is_not_for_clients),
        cmocka_unit_test(the_tools_of_plugins_are_put_back_when_they_differ),
        cmocka_unit_test(a_registry_without_its_definitions_says_where_it_looked),
        cmocka_unit_test(versions_are_read_from_what_installing_left),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

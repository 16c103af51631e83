// SPDX-License-Identifier: Apache-2.0
#include "base/settings.h"

#include "base/cleanup.h"
#include "base/err.h"
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct folder {
    char path[64];
    char conf[96];
};

static struct folder folder_with(const char *conf, size_t len)
{
    struct folder f = { .path = "/tmp/trainyard-test-XXXXXX" };
    FILE *file;

    assert_non_null(mkdtemp(f.path));
    snprintf(f.conf, sizeof f.conf, "%s/dlpd.conf", f.path);
    if (!conf)
        return f;
    file = fopen(f.conf, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(conf, 1, len, file), len);
    fclose(file);
    return f;
}

static void folder_remove(struct folder *f)
{
    unlink(f->conf);
    rmdir(f->path);
}

static struct settings *load(const char *conf, struct err *err)
{
    CLEANUP(folder_remove) struct folder f = folder_with(conf, conf ? strlen(conf) : 0);

    return settings_load(f.path, NULL, err);
}

static void settings_freep(struct settings **s) { settings_free(*s); }

static void without_a_file_everything_has_its_default(void **state)
{
    struct err err = {0};
    CLEANUP(settings_freep) struct settings *s = load(NULL, &err);

    (void)state;
    assert_non_null(s);
    assert_string_equal(s->http_listen, "127.0.0.1:9280");
    assert_int_equal(s->http_upload_max_mib, 8192);
    assert_string_equal(s->http_csrf, "required");
    assert_int_equal(s->token_hours, 12);
    assert_false(s->task_enforce_memory);
    assert_int_equal(s->n_groups, 1);
    assert_string_equal(s->groups[0].name, "default");
    assert_string_equal(s->groups[0].gpus, "auto");
    assert_int_equal(s->groups[0].slots, 0);
    assert_int_equal(s->data_dir[0], '/');
    assert_int_equal(strncmp(s->result_fs, s->data_dir, strlen(s->data_dir)), 0);
    assert_string_equal(s->result_fs + strlen(s->data_dir), "/results");
    assert_non_null(strstr(s->shepherd, "trainyard-shepherd"));
}

static void values_comments_and_blanks_are_read(void **state)
{
    struct err err = {0};
    CLEANUP(settings_freep) struct settings *s =
        load("# a comment\r\n\n  http.listen=0.0.0.0:80   # all\npaths.data = /data/#1\n"
             "http.csrf = LENIENT\ntasks.enforce_memory = Yes\nevents.keep=7", &err);

    (void)state;
    assert_non_null(s);
    assert_string_equal(s->http_listen, "0.0.0.0:80");
    assert_string_equal(s->data_fs, "/data/#1");
    assert_string_equal(s->http_csrf, "lenient");
    assert_true(s->task_enforce_memory);
    assert_int_equal(s->events_keep_days, 7);
}

static void an_empty_listener_is_none(void **state)
{
    struct err err = {0};
    CLEANUP(settings_freep) struct settings *s = load("https.listen =\n", &err);

    (void)state;
    assert_non_null(s);
    assert_string_equal(s->https_listen, "");
}

static void groups_are_described_key_by_key(void **state)
{
    struct err err = {0};
    CLEANUP(settings_freep) struct settings *s =
        load("cluster.default_group = small\ngroup.small.slots = 2\ngroup.big.v2.slots = 8\n"
             "group.big.v2.gpus = 0,1\ngroup.small.memory_mib = 1024\n", &err);

    (void)state;
    assert_non_null(s);
    assert_int_equal(s->n_groups, 2);
    assert_string_equal(s->groups[0].name, "small");
    assert_int_equal(s->groups[0].memory_mib, 1024);
    assert_string_equal(s->groups[1].name, "big.v2");
    assert_string_equal(s->groups[1].gpus, "0,1");
    assert_string_equal(s->groups[1].consumer, "/big.v2");
}

static void wrong_lines_are_refused_with_file_and_line(void **state)
{
    static const struct {
        const char *conf, *says;
    } cases[] = {
        { "http.listne = x",
          "dlpd.conf:1: there is no setting http.listne; did you mean http.listen?" },
        { "\n\nwhatever.else = 1",
          "dlpd.conf:3: there is no setting whatever.else; serve --help-config" },
        { "http.listen", "dlpd.conf:1: expected `key = value`" },
        { "http.threads = many", "http.threads = many: expected a whole number from 0 to 256" },
        { "http.threads = 1.5", "expected a whole number" },
        { "http.threads =", "expected a whole number" },
        { "events.keep = 0", "expected a whole number of days from 1 to 36500" },
        { "events.keep = 99999999999999999999", "expected a whole number of days" },
        { "http.csrf = maybe", "http.csrf = maybe: expected one of required, lenient" },
        { "tasks.enforce_memory = maybe", "expected true or false" },
        { "paths.data = here", "paths.data = here: expected a path that starts with /" },
        { "paths.data =", "paths.data needs a value" },
        { "group.gpu = 1", "group.gpu: expected group.<name>.<key>" },
        { "group.a/b.slots = 1", "the name of a group is" },
        { "group.gpu.slot = 1", "there is no setting group.gpu.slot; did you mean slots?" },
        { "group.gpu.slots = -1", "expected a whole number from 0" },
        { "group.gpu.backend = cloud", "expected one of local, null" },
        { "group.gpu.slots = 1",
          "cluster.default_group is default, but only these groups are described: gpu" },
        { "cluster.default_group = a b", "the name of a group is" },
        { "http.listen = \xff", "is not UTF-8 text" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err err = {0};

        assert_null(load(cases[i].conf, &err));
        assert_int_equal(err.kind, ERR_BAD_INPUT);
        if (!strstr(err.text, cases[i].says))
            fail_msg("%s: %s", cases[i].conf, err.text);
    }
}

static void a_long_key_and_a_nul_byte_are_refused(void **state)
{
    CLEANUP(folder_remove) struct folder f = folder_with("log.level\0 = info", 17);
    struct err err = {0};
    char conf[300];

    (void)state;
    assert_null(settings_load(f.path, NULL, &err));
    assert_non_null(strstr(err.text, "not UTF-8 text"));
    memset(conf, 'k', sizeof conf);
    memcpy(conf + sizeof conf - 5, " = 1", 5);
    assert_null(load(conf, &err));
    assert_non_null(strstr(err.text, "longer than 95 bytes"));
}

static void a_file_that_was_named_must_exist(void **state)
{
    CLEANUP(folder_remove) struct folder f = folder_with(NULL, 0);
    struct err err = {0};

    (void)state;
    assert_null(settings_load(f.path, f.conf, &err));
    assert_int_equal(err.kind, ERR_NOT_FOUND);
    assert_non_null(strstr(err.text, f.conf));
}

/* Takes the leading # of each setting away: the sample is then a file that says what is so anyway.
 */
static void the_sample_is_a_valid_file_of_defaults(void **state)
{
    CLEANUP(text_done) struct text sample = {0}, conf = {0};
    struct err err = {0};
    char *line, *rest;

    (void)state;
    settings_sample(&sample);
    for (const struct field *f = settings_table; f->type != FIELD_END; f++)
        assert_non_null(strstr(sample.data, f->name));
    rest = sample.data;
    while ((line = strsep(&rest, "\n")))
        if (line[0] == '#' && line[1] != ' ')
            text_addf(&conf, "%s\n", line + 1);
    text_add(&conf, "cluster.default_group = gpu\n");
    CLEANUP(settings_freep) struct settings *s = load(conf.data, &err);
    if (!s)
        fail_msg("%s", err.text);
    assert_int_equal(s->http_header_max_kib, 32);
}

static void what_is_public_is_a_flat_map_of_strings_without_secrets(void **state)
{
    static const char *const keys[] = {
        "DLI_SHARED_FS",  "DL_NFS_PATH",           "DLI_DATA_FS", "DLI_RESULT_FS",
        "DLI_CONDA_HOME", "DLI_DEFAULT_CONDA_ENV", "MSD_ENABLED", "METRICS_STREAMING",
        "PARM_MGR_DIR",   "CwS_REST_URL",          "DLI_VERSION"
    };
    CLEANUP(text_done) struct text t = {0};
    struct err err = {0};
    CLEANUP(settings_freep) struct settings *s = load("https.listen = box.example:9243\n", &err);
    const char *key;
    json_t *json, *value;

    (void)state;
    assert_non_null(s);
    settings_public(s, &t);
    json = json_loads(t.data, 0, NULL);
    assert_non_null(json);
    assert_int_equal(json_object_size(json), ARRAY_LEN(keys));
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        assert_non_null(json_object_get(json, keys[i]));
    json_object_foreach(json, key, value) {
        assert_true(json_is_string(value));
        assert_null(strstr(key, "SECRET"));
    }
    assert_string_equal(json_string_value(json_object_get(json, "CwS_REST_URL")),
                        "https://box.example:9243/platform/rest/");
    json_decref(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_file_everything_has_its_default),
        cmocka_unit_test(values_comments_and_blanks_are_read),
        cmocka_unit_test(an_empty_listener_is_none),
        cmocka_unit_test(groups_are_described_key_by_key),
        cmocka_unit_test(wrong_lines_are_refused_with_file_and_line),
        cmocka_unit_test(a_long_key_and_a_nul_byte_are_refused),
        cmocka_unit_test(a_file_that_was_named_must_exist),
        cmocka_unit_test(the_sample_is_a_valid_file_of_defaults),
        cmocka_unit_test(what_is_public_is_a_flat_map_of_strings_without_secrets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

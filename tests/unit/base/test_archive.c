// SPDX-License-Identifier: Apache-2.0
/* Tars are written here block by block, because no honest writer makes the hostile ones; zips and
 * compressed tars come from Python, so that two implementations have to agree. */
#include "base/archive.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/files.h"
#include "base/mem.h"
#include "base/text.h"

static const struct archive_limits plenty = { .n_entries = 1000, .total_bytes = 10 << 20 };

struct fixture {
    char dir[64];           /* removed at the end */
    char archive[80];       /* dir/archive */
    char to[80];            /* dir/x/to: something to escape from */
    struct text tar;        /* the archive under construction */
    struct mem *mem;
    struct err err;
};

static struct fixture open_fixture(void)
{
    struct fixture f = { .dir = "/tmp/test_archive.XXXXXX", .mem = mem_new() };

    assert_non_null(mkdtemp(f.dir));
    snprintf(f.archive, sizeof f.archive, "%s/archive", f.dir);
    snprintf(f.to, sizeof f.to, "%s/x/to", f.dir);
    assert_int_equal(file_mkdirs(f.to, 0755, &f.err), 0);
    return f;
}

static void fixture_done(struct fixture *f)
{
    assert_int_equal(file_remove_tree(f->dir, &f->err), 0);
    text_done(&f->tar);
    mem_free(f->mem);
}

/* Appends an entry: type '0' file, '1' hard link, '2' symbolic link, '3' device, '5' folder, '6' fifo. */
static void add(struct fixture *f, char type, const char *name, const char *link, const char *data)
{
    char block[512] = {0};
    size_t len = strlen(data);
    unsigned sum = 0;

    assert_true(len < 1 << 20);
    memcpy(block, name, strlen(name));
    strcpy(block + 100, "0004777");
    strcpy(block + 108, "0000000");
    strcpy(block + 116, "0000000");
    snprintf(block + 124, 12, "%011o", (unsigned)len & 0xFFFFF);
    strcpy(block + 136, "00000000000");
    memset(block + 148, ' ', 8);
    block[156] = type;
    memcpy(block + 157, link, strlen(link));
    memcpy(block + 257, "ustar\00000", 8);
    for (size_t i = 0; i < sizeof block; i++)
        sum += (unsigned char)block[i];
    snprintf(block + 148, 8, "%06o", sum & 0x3FFFF);
    text_add_n(&f->tar, block, sizeof block);

    text_add_n(&f->tar, data, len);
    memset(block, 0, sizeof block);
    text_add_n(&f->tar, block, (512 - len % 512) % 512);
}

static int unpack(struct fixture *f, const struct archive_limits *limits)
{
    char end[1024] = {0};

    text_add_n(&f->tar, end, sizeof end);
    assert_int_equal(file_write(f->archive, f->tar.data, f->tar.len, 0644, &f->err), 0);
    assert_true(archive_is(f->archive));
    f->err = (struct err){0};
    return archive_unpack(f->archive, f->to, limits, &f->err);
}

static char *at(struct fixture *f, const char *name)
{
    return mem_printf(f->mem, "%s/%s", f->to, name);
}

static void assert_holds(struct fixture *f, const char *name, const char *data)
{
    CLEANUP(text_done) struct text t = {0};

    if (file_read(at(f, name), 1 << 20, &t, &f->err) < 0)
        fail_msg("%s", f->err.text);
    assert_string_equal(t.data, data);
}

/* Runs a line of Python with $1 = the archive; skips the test without Python. */
static void python(struct fixture *f, const char *code)
{
    if (system("/usr/bin/python3 -c '' 2>/dev/null") != 0)
        skip();
    assert_int_equal(setenv("CODE", code, 1), 0);
    assert_int_equal(setenv("ARCHIVE", f->archive, 1), 0);
    assert_int_equal(system("/usr/bin/python3 -c \"$CODE\""), 0);
    f->err = (struct err){0};
}

static void a_plain_tar_is_unpacked(void **state)
{
    CLEANUP(fixture_done) struct fixture f = open_fixture();
    struct stat st;

    (void)state;
    add(&f, '5', "./", "", "");
    add(&f, '0', "./main.py", "", "print(1)\n");
    add(&f, '5', "model/", "", "");
    add(&f, '0', "model/deep/er/x", "", "x");
    add(&f, '0', "caf\xC3\xA9", "", "e");
    add(&f, '0', "empty", "", "");
    add(&f, '2', "model/link", "../main.py", "");
    add(&f, '2', "here", ".", "");
    add(&f, '1', "copy.py", "main.py", "");
    assert_int_equal(unpack(&f, &plenty), 0);
    assert_holds(&f, "main.py", "print(1)\n");
    assert_holds(&f, "model/deep/er/x", "x");
    assert_holds(&f, "caf\xC3\xA9", "e");
    assert_holds(&f, "empty", "");
    assert_holds(&f, "model/link", "print(1)\n");
    assert_holds(&f, "copy.py", "print(1)\n");
    assert_int_equal(stat(at(&f, "main.py"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0755);     /* of 04777 */
}

static void macos_companions_are_skipped(void **state)
{
    CLEANUP(fixture_done) struct fixture f = open_fixture();

    (void)state;
    add(&f, '0', "._main.py", "", "x");
    add(&f, '0', "a/._main.py", "", "x");
    add(&f, '0', ".DS_Store", "", "x");
    add(&f, '0', "__MACOSX/a/main.py", "", "x");
    assert_int_equal(unpack(&f, &plenty), 0);
    assert_int_equal(rmdir(f.to), 0);       /* nothing in it */
}

static void a_later_entry_replaces_an_earlier_one(void **state)
{
    CLEANUP(fixture_done) struct fixture f = open_fixture();

    (void)state;
    add(&f, '0', "x", "", "one");
    add(&f, '2', "y", "x", "");
    add(&f, '0', "y", "", "two");       /* the link goes, what it leads to stays */
    add(&f, '1', "x2", "x", "");
    add(&f, '1', "x2", "x", "");
    assert_int_equal(unpack(&f, &plenty), 0);
    assert_holds(&f, "x", "one");
    assert_holds(&f, "y", "two");
    assert_holds(&f, "x2", "one");
}

static void whatever_leads_out_is_refused_and_nothing_escapes(void **state)
{
    static const struct { char type; const char *name, *link; } hostile[] = {
        { '0', "../out", "" }, { '0', "/tmp/test_archive_out", "" }, { '0', "a/../../out", "" },
        { '0', "a/..", "" }, { '5', "..", "" }, { '5', "/", "" }, { '0', "bad\xFFname", "" },
        { '0', "line\nbreak", "" }, { '2', "l", "/etc/passwd" }, { '2', "l", "../out" },
        { '2', "l", ".." }, { '2', "a/l", "../../out" }, { '2', "l", "a/../../out" },
        { '2', "l", "a/.." }, { '1', "h", "../out" }, { '1', "h", "/etc/passwd" },
        { '1', "h", "absent" }, { '3', "device", "" }, { '4', "device", "" }, { '6', "fifo", "" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(hostile); i++) {
        CLEANUP(fixture_done) struct fixture f = open_fixture();

        add(&f, hostile[i].type, hostile[i].name, hostile[i].link, "");
        if (unpack(&f, &plenty) == 0)
            fail_msg("%s is unpacked", hostile[i].name);
        assert_int_equal(f.err.kind, ERR_BAD_INPUT);
        assert_null(strchr(f.err.text, '\n'));
        assert_true(text_is_utf8(f.err.text, strlen(f.err.text)));
        assert_false(file_exists(mem_printf(f.mem, "%s/x/out", f.dir)));
        assert_false(file_exists("/tmp/test_archive_out"));
    }
}

static void an_error_names_the_entry(void **state)
{
    CLEANUP(fixture_done) struct fixture f = open_fixture();

    (void)state;
    add(&f, '0', "../out", "", "");
    assert_int_equal(unpack(&f, &plenty), -1);
    assert_string_equal(f.err.text, "the archive entry \"../out\" has a name that leads out of the "
                                    "archive or that no file can have");
}

static void links_do_not_carry_later_entries_anywhere(void **state)
{
    static const struct { const char *link, *target, *entry, *entry_link; char type; } hostile[] = {
        { "s", "a",  "s/x", "", '0' },          /* a file through a link */
        { "s", "a",  "s/d/", "", '5' },
        { "s", ".",  "e", "s/..", '2' },        /* inside by its letters, outside in fact */
        { "s", "a",  "s", "", '5' },            /* a folder where a link stands */
        { "a/s", "../up", "h", "a/s", '1' },    /* a second name for a link, one folder up */
        { "s", "a",  "h", "s/f", '1' },         /* a hard link through a link */
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(hostile); i++) {
        CLEANUP(fixture_done) struct fixture f = open_fixture();

        add(&f, '5', "a/", "", "");
        add(&f, '0', "a/f", "", "f");
        add(&f, '2', hostile[i].link, hostile[i].target, "");
        add(&f, hostile[i].type, hostile[i].entry, hostile[i].entry_link, "");
        if (unpack(&f, &plenty) == 0)
            fail_msg("%s after %s is unpacked", hostile[i].entry, hostile[i].link);
        assert_int_equal(f.err.kind, ERR_BAD_INPUT);
    }
}

static void what_stands_in_the_folder_already_is_not_followed(void **state)
{
    CLEANUP(fixture_done) struct fixture f = open_fixture();

    (void)state;
    assert_int_equal(symlink("..", at(&f, "up")), 0);
    add(&f, '0', "up/out", "", "x");
    assert_int_equal(unpack(&f, &plenty), -1);
    assert_false(file_exists(mem_printf(f.mem, "%s/x/out", f.dir)));
}

static void limits_stop_the_unpacking(void **state)
{
    const struct archive_limits few = { .n_entries = 3, .total_bytes = 100 };
    const struct archive_limits small = { .n_entries = 100, .total_bytes = 5 };

    (void)state;
    for (int i = 0; i < 4; i++) {
        CLEANUP(fixture_done) struct fixture f = open_fixture();

        add(&f, '0', i == 0 ? "a/b/c" : i == 1 ? "a/b/c/d" : "a", "", "12345");
        if (i == 3)
            add(&f, '0', "b", "", "6");
        assert_int_equal(unpack(&f, i < 2 ? &few : &small), i == 0 || i == 2 ? 0 : -1);
        if (i == 1)
            assert_string_equal(f.err.text,
                                "the archive has more than the 3 files and folders allowed");
        if (i == 3)
            assert_string_equal(f.err.text, "the archive unpacks to more than the 5 bytes allowed");
    }
}

static int64_t size_of_tree(struct fixture *f, const char *name)
{
    struct stat st;

    return stat(at(f, name), &st) == 0 ? st.st_blocks * INT64_C(512) : 0;
}

static void a_bomb_stops_early(void **state)
{
    static const char *const bombs[] = {
        "import os,zipfile,zlib\n"
        "with zipfile.ZipFile(os.environ['ARCHIVE'],'w',zipfile.ZIP_DEFLATED) as z:\n"
        "  with z.open('bomb','w',force_zip64=True) as o:\n"
        "    [o.write(bytes(1<<20)) for i in range(300)]\n",
        "import os,io,tarfile\n"
        "t=tarfile.TarInfo('bomb'); t.size=300<<20\n"
        "with tarfile.open(os.environ['ARCHIVE'],'w:gz',compresslevel=1) as a:\n"
        "  a.addfile(t,open('/dev/zero','rb'))\n",
        "import os,zipfile\n"       /* a zip that lies about its size */
        "p=os.environ['ARCHIVE']\n"
        "with zipfile.ZipFile(p,'w',zipfile.ZIP_DEFLATED) as z: z.writestr('bomb',bytes(64<<20))\n"
        "b=open(p,'rb').read().replace((64<<20).to_bytes(4,'little'),(9).to_bytes(4,'little'))\n"
        "open(p,'wb').write(b)\n",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bombs); i++) {
        CLEANUP(fixture_done) struct fixture f = open_fixture();

        python(&f, bombs[i]);
        assert_int_equal(archive_unpack(f.archive, f.to, &plenty, &f.err), -1);
        assert_int_equal(f.err.kind, ERR_BAD_INPUT);
        assert_true(size_of_tree(&f, "bomb") <= plenty.total_bytes);
    }
}

static void compressed_tars_and_zips_are_known_by_their_content(void **state)
{
    static const char *const modes[] = { "w", "w:gz", "w:bz2", "w:xz" };
    static const char zip[] =
        "import os,zipfile\n"
        "with zipfile.ZipFile(os.environ['ARCHIVE'],'w',zipfile.ZIP_DEFLATED) as z:\n"
        "  z.writestr('top/main.py','hello'); z.writestr('top/caf\xC3\xA9/','')\n";

    (void)state;
    for (size_t i = 0; i <= ARRAY_LEN(modes); i++) {
        CLEANUP(fixture_done) struct fixture f = open_fixture();

        python(&f, i == ARRAY_LEN(modes) ? zip : mem_printf(f.mem,
            "import os,io,tarfile\n"
            "with tarfile.open(os.environ['ARCHIVE'],'%s') as a:\n"
            "  t=tarfile.TarInfo('top/main.py'); t.size=5; a.addfile(t,io.BytesIO(b'hello'))\n"
            "  t=tarfile.TarInfo('top/caf\xC3\xA9'); t.type=tarfile.DIRTYPE; a.addfile(t)\n",
            modes[i]));
        assert_true(archive_is(f.archive));
        assert_int_equal(archive_unpack(f.archive, f.to, &plenty, &f.err), 0);
        assert_holds(&f, "top/main.py", "hello");
        assert_true(file_is_dir(at(&f, "top/caf\xC3\xA9")));
    }
}

static void a_hostile_zip_is_refused(void **state)
{
    CLEANUP(fixture_done) struct fixture f = open_fixture();

    (void)state;
    python(&f, "import os,zipfile\n"
               "with zipfile.ZipFile(os.environ['ARCHIVE'],'w') as z: z.writestr('../out','x')\n");
    assert_int_equal(archive_unpack(f.archive, f.to, &plenty, &f.err), -1);
    assert_int_equal(f.err.kind, ERR_BAD_INPUT);
    assert_false(file_exists(mem_printf(f.mem, "%s/x/out", f.dir)));
}

static void other_files_are_no_archives(void **state)
{
    static const char *const other[] = { "", "import torch\n", "{}", "BZ", "P" };
    CLEANUP(fixture_done) struct fixture f = open_fixture();
    char zeros[1024] = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(other); i++) {
        assert_int_equal(file_write(f.archive, other[i], strlen(other[i]), 0644, &f.err), 0);
        assert_false(archive_is(f.archive));
    }
    assert_int_equal(file_write(f.archive, zeros, sizeof zeros, 0644, &f.err), 0);
    assert_false(archive_is(f.archive));
    assert_false(archive_is(at(&f, "absent")));
    assert_int_equal(file_write(f.archive, "\x1F\x8Bnonsense", 10, 0644, &f.err), 0);
    assert_int_equal(archive_unpack(f.archive, f.to, &plenty, &f.err), -1);
    assert_int_equal(f.err.kind, ERR_BAD_INPUT);
    assert_int_equal(archive_unpack(at(&f, "absent"), f.to, &plenty, &f.err), -1);
    assert_int_equal(f.err.kind, ERR_INTERNAL);     /* whoever received the file lost it */
}

static void a_cut_archive_is_refused(void **state)
{
    CLEANUP(fixture_done) struct fixture f = open_fixture();

    (void)state;
    add(&f, '0', "a", "", "12345");
    assert_int_equal(file_write(f.archive, f.tar.data, 514, 0644, &f.err), 0);
    assert_int_equal(archive_unpack(f.archive, f.to, &plenty, &f.err), -1);
    assert_int_equal(f.err.kind, ERR_BAD_INPUT);
}

static void a_zip_unpacks_to_what_it_was_made_of(void **state)
{
    static const char *const entries[] = { "model", "absent", "caf\xC3\xA9", "link" };
    CLEANUP(fixture_done) struct fixture f = open_fixture();
    const char *from = mem_printf(f.mem, "%s/from", f.dir);
    struct stat st;

    (void)state;
    assert_int_equal(file_mkdirs(mem_printf(f.mem, "%s/model/empty", from), 0755, &f.err), 0);
    assert_int_equal(file_write(mem_printf(f.mem, "%s/model/w", from), "1\0" "2", 3, 0755, &f.err), 0);
    assert_int_equal(file_write(mem_printf(f.mem, "%s/caf\xC3\xA9", from), "e", 1, 0640, &f.err), 0);
    assert_int_equal(file_write(mem_printf(f.mem, "%s/left", from), "e", 1, 0640, &f.err), 0);
    assert_int_equal(symlink("/etc/passwd", mem_printf(f.mem, "%s/link", from)), 0);
    assert_int_equal(symlink("/etc", mem_printf(f.mem, "%s/model/link", from)), 0);
    assert_int_equal(mkfifo(mem_printf(f.mem, "%s/model/fifo", from), 0644), 0);
    assert_int_equal(archive_zip(from, entries, ARRAY_LEN(entries), f.archive, &f.err), 0);

    assert_true(archive_is(f.archive));
    python(&f, "import os,zipfile\n"
               "z=zipfile.ZipFile(os.environ['ARCHIVE']); assert z.testzip() is None\n"
               "assert sorted(z.namelist())==['caf\\u00e9','model/','model/empty/','model/w']\n");
    assert_int_equal(archive_unpack(f.archive, f.to, &plenty, &f.err), 0);
    assert_int_equal(stat(at(&f, "model/w"), &st), 0);
    assert_int_equal(st.st_size, 3);
    assert_int_equal(st.st_mode & 0777, 0755);
    assert_true(file_is_dir(at(&f, "model/empty")));
    assert_holds(&f, "caf\xC3\xA9", "e");
    assert_false(file_exists(at(&f, "left")));
}

static void a_zip_of_nothing_is_empty_but_valid(void **state)
{
    CLEANUP(fixture_done) struct fixture f = open_fixture();

    (void)state;
    assert_int_equal(archive_zip(f.to, NULL, 0, f.archive, &f.err), 0);
    python(&f, "import os,zipfile\n"
               "assert zipfile.ZipFile(os.environ['ARCHIVE']).namelist()==[]\n"
               "assert os.path.getsize(os.environ['ARCHIVE'])==22\n");
    assert_true(archive_is(f.archive));
    assert_int_equal(archive_unpack(f.archive, f.to, &plenty, &f.err), 0);
    assert_int_equal(archive_zip(at(&f, "absent"), NULL, 0, f.archive, &f.err), -1);
    assert_false(file_exists(f.archive));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plain_tar_is_unpacked),
        cmocka_unit_test(macos_companions_are_skipped),
        cmocka_unit_test(a_later_entry_replaces_an_earlier_one),
        cmocka_unit_test(whatever_leads_out_is_refused_and_nothing_escapes),
        cmocka_unit_test(an_error_names_the_entry),
        cmocka_unit_test(links_do_not_carry_later_entries_anywhere),
        cmocka_unit_test(what_stands_in_the_folder_already_is_not_followed),
        cmocka_unit_test(limits_stop_the_unpacking),
        cmocka_unit_test(a_bomb_stops_early),
        cmocka_unit_test(compressed_tars_and_zips_are_known_by_their_content),
        cmocka_unit_test(a_hostile_zip_is_refused),
        cmocka_unit_test(other_files_are_no_archives),
        cmocka_unit_test(a_cut_archive_is_refused),
        cmocka_unit_test(a_zip_unpacks_to_what_it_was_made_of),
        cmocka_unit_test(a_zip_of_nothing_is_empty_but_valid),
    };

    return cmocka_run_group_tests_name("archive", tests, NULL, NULL);
}

// SPDX-License-Identifier: Apache-2.0
#include "cli/cli.h"

#include "cli/algorithm.h"
#include "cli/cluster.h"
#include "cli/common.h"
#include "cli/completion.h"
#include "cli/dataset.h"
#include "cli/doctor.h"
#include "cli/exec.h"
#include "cli/login.h"
#include "cli/search.h"
#include "cli/term.h"

#include <stdio.h>
#include <string.h>

const struct command commands[] = {
    { "login", login_command, "Sign in to a server and remember it", "ADDRESS [--user NAME] [--password-stdin] [--insecure]",
      "\n  -u, --user NAME      the account; asked for when absent\n"
      "      --password-stdin read the password from standard input\n"
      "  -k, --insecure       take any certificate (a self-signed one)\n"
      "\nIn scripts: TRAINYARD_URL with TRAINYARD_TOKEN, or with TRAINYARD_USER and TRAINYARD_PASSWORD.\n"
      "\nexamples:\n  trainyard login http://127.0.0.1:9280\n"
      "  echo \"$PASSWORD\" | trainyard login https://train.example.org:9243 --user ann --password-stdin\n" },
    { "logout", logout_command, "Give the token back", "", "\nexample:\n  trainyard logout\n" },
    { "run", run_command, "Submit a task: a script or a folder",
      "PATH [--framework NAME] [--main FILE] [--follow] [options] [-- ARGUMENT...]",
      "\n      --framework NAME  how to launch it (default PyTorch); `trainyard frameworks` lists them\n"
      "      --main FILE       the script to run in a folder\n"
      "      --workers N       processes of a distributed task\n"
      "      --device cpu|gpu  what each worker runs on\n"
      "      --dataset NAME    a dataset the program reads; DATASET_TRAIN and others say where it is\n"
      "      --memory 4G       per worker\n"
      "      --env NAME=VALUE  one more variable for the program\n"
      "      --group NAME      instance group\n"
      "      --name NAME       application name\n"
      "      --args TEXT       more platform options, as the REST API takes them\n"
      "  -f, --follow          show the output until it ends\n"
      "\nexamples:\n  trainyard run train.py --follow\n"
      "  trainyard run ./model --main main.py --framework distPyTorch --workers 2 -- --epochs 3 --lr 0.1\n" },
    { "ps", ps_command, "List tasks", "[--all] [--state STATE,...]",
      "\n  -a, --all    ended ones too\n\nexamples:\n  trainyard ps\n  trainyard ps --state ERROR,KILLED\n  trainyard ps --json\n" },
    { "show", show_command, "Everything about one task", "ID",
      "\nAn id may be shortened, and its number alone will do.\n\nexample:\n  trainyard show 817266650\n" },
    { "logs", logs_command, "What a task printed", "ID [--follow] [--stdout | --stderr] [--lines N]",
      "\n  -f, --follow   go on until the task ends; exit code 5 when it did not end well\n"
      "  -n, --lines N  the last N lines\n\nexamples:\n  trainyard logs 8172 -f\n  trainyard logs 8172 --stderr -n 20\n" },
    { "stop", stop_command, "Stop tasks", "ID...", "\nexample:\n  trainyard stop 8172 9011\n" },
    { "rm", rm_command, "Delete tasks with their files", "ID...", "\nexample:\n  trainyard rm 8172\n" },
    { "result", result_command, "Download what a task produced, as a zip", "ID [--output FILE]",
      "\nexample:\n  trainyard result 8172 --output model.zip\n" },
    { "search start", search_start_command, "Start a hyperparameter search", "DOCUMENT [--file PATH] [--prior FILE] [--warm-start NAME] [--watch]",
      "\nDOCUMENT is JSON with modelSpec, algoDef and hyperParams, as the REST API takes it.\n\n"
      "      --file PATH        the script or folder of the model\n"
      "      --prior FILE       an Optuna study (SQLite) that the algorithm learns from first\n"
      "      --warm-start NAME  an earlier search that it learns from first\n"
      "  -w, --watch            draw it until it ends\n"
      "\nexamples:\n  trainyard search start examples/fashion-mnist/search.json --file examples/fashion-mnist --watch\n"
      "  trainyard search start search.json --file model/ --warm-start ann-hpo-8172\n" },
    { "search ls", search_ls_command, "List searches", "", "\nexample:\n  trainyard search ls --json\n" },
    { "search show", search_show_command, "One search with its best trials", "NAME [--importance]",
      "\n  -i, --importance  which hyperparameters matter instead\n"
      "\nexamples:\n  trainyard search show ann-hpo-8172\n  trainyard search show ann-hpo-8172 --importance\n" },
    { "search watch", search_watch_command, "Draw a search until it ends", "NAME",
      "\nExit code 5 when it did not end well.\n\nexample:\n  trainyard search watch ann-hpo-8172\n" },
    { "search curve", search_curve_command, "How a search got better", "NAME [--all]",
      "\n  -a, --all  with --json: every trial, not only those that were better than all before\n"
      "\nexamples:\n  trainyard search curve ann-hpo-8172\n  trainyard search curve ann-hpo-8172 --all --json\n" },
    { "search export", search_export_command, "Take a search away as a file", "NAME [--csv | --optuna] [--output FILE]",
      "\n      --csv          a table for spreadsheets (default)\n      --optuna       a study that Optuna opens\n"
      "  -o, --output FILE  default: NAME.csv or NAME.db\n"
      "\nexamples:\n  trainyard search export ann-hpo-8172\n  trainyard search export ann-hpo-8172 --optuna -o study.db\n" },
    { "search stop", search_stop_command, "Stop a search", "NAME [--force]",
      "\n      --force  kill its trials at once\n\nexample:\n  trainyard search stop ann-hpo-8172\n" },
    { "search restart", search_restart_command, "Go on with a stopped search", "NAME", "\nexample:\n  trainyard search restart ann-hpo-8172\n" },
    { "search rm", search_rm_command, "Delete a search", "NAME [--with-tasks]",
      "\n      --with-tasks  the tasks of its trials too\n\nexample:\n  trainyard search rm ann-hpo-8172\n" },
    { "algorithm ls", algorithm_ls_command, "List search algorithms", "", "\nexample:\n  trainyard algorithm ls\n" },
    { "algorithm show", algorithm_show_command, "One search algorithm", "NAME", "\nexample:\n  trainyard algorithm show mine\n" },
    { "algorithm install", algorithm_install_command, "Install a search algorithm of your own", "NAME PATH [options]",
      "\nPATH is a folder with optimizer.py, or with a program named optimizer, or an archive of one.\n\n"
      "      --on-server        PATH is a folder on the server\n"
      "      --conda-home PATH  conda installation on the server that it runs with\n"
      "      --conda-env NAME   environment of it\n"
      "      --log-level LEVEL  DEBUG, INFO (default), WARN, ERROR or CRITICAL\n"
      "\nexamples:\n  trainyard algorithm install climb examples/plugins/python\n"
      "  trainyard algorithm install mine /srv/shared/mine --on-server --log-level debug\n" },
    { "algorithm rm", algorithm_rm_command, "Delete an installed search algorithm", "NAME",
      "\nexample:\n  trainyard algorithm rm mine\n" },
    { "dataset add", dataset_add_command, "Make a dataset of a folder or file", "PATH [--name NAME] [--on-server] [--kind KIND] [options]",
      "\nA folder or file of yours is uploaded. What kind of data it is, is guessed from what is in it, and said.\n\n"
      "      --name NAME        default: the name of PATH\n"
      "      --on-server        PATH is on the server, below a data root\n"
      "      --kind KIND        images, detection, vectors, csv, lmdb, tfrecords, nlp, raw, other\n"
      "      --lmdb             images: write LMDB, not TFRecords\n"
      "      --height N, --width N, --grey\n"
      "      --resize HOW       squash, crop, fill, halfcrophalffill\n"
      "      --val N, --test N  percent taken from the training data\n"
      "      --shards N, --by-class\n"
      "      --encoded          store images compressed as they are\n"
      "      --copy             copy what could be read where it is on the server\n"
      "      --shared           everyone may read it\n"
      "      --group NAME       instance group that builds it\n"
      "  -w, --watch            draw it until it is built; exit code 5 when that did not end well\n"
      "\nexamples:\n  trainyard dataset add ./pets --width 224 --height 224 --val 10 --watch\n"
      "  trainyard dataset add /srv/images/street --on-server --kind detection\n" },
    { "dataset ls", dataset_ls_command, "List datasets", "", "\nexample:\n  trainyard dataset ls --json\n" },
    { "dataset show", dataset_show_command, "One dataset, and what was found in it", "NAME [--report]",
      "\n      --report  broken files and duplicates by name\n\nexamples:\n  trainyard dataset show pets\n"
      "  trainyard dataset show pets --report\n" },
    { "dataset head", dataset_head_command, "The first rows, pictures or samples of a dataset",
      "NAME [--part train|val|test] [--lines N] [--label LABEL] [--sample N [--boxes] --output FILE]",
      "\n      --part PART    train (default), val or test\n"
      "  -n, --lines N      how many (default 10)\n"
      "      --label LABEL  samples of this class only\n"
      "      --sample N     save sample number N as a JPEG picture, with --boxes drawn on it\n"
      "  -o, --output FILE  default: NAME-N.jpg\n"
      "\nexamples:\n  trainyard dataset head iris -n 3\n  trainyard dataset head street --sample 17 --boxes -o 17.jpg\n" },
    { "dataset stop", dataset_stop_command, "Stop building datasets", "NAME...", "\nexample:\n  trainyard dataset stop pets\n" },
    { "dataset rm", dataset_rm_command, "Delete datasets", "NAME...", "\nexample:\n  trainyard dataset rm pets\n" },
    { "frameworks", frameworks_command, "What tasks can run with", "", "\nexample:\n  trainyard frameworks\n" },
    { "group", group_command, "Instance groups tasks can run on", "", "\nexample:\n  trainyard group --json\n" },
    { "doctor", doctor_command, "Look for what is wrong and say what to do", "[--data DIR]",
      "\nLooks at disk, limits, clock, interpreters, frameworks, the server and its certificate; exit code 1 when\n"
      "something must be mended.\n\nexample:\n  trainyard doctor --data /var/lib/trainyard\n" },
    { "completion", completion_command, "Completion for a shell", "bash|zsh|fish",
      "\nexamples:\n  source <(trainyard completion bash)\n  trainyard completion fish > ~/.config/fish/completions/trainyard.fish\n" },
    { .name = NULL },
};

void cli_overview(void)
{
    puts("usage: trainyard COMMAND [options]\n\nTrains models, searches hyperparameters and keeps what comes out.\n\n"
         "  serve              Run the server\n  user               Accounts of a data directory: add, passwd, ls, rm\n"
         "  suggest            Points of a search space without a server, as JSON lines");
    for (const struct command *c = commands; c->name; c++)
        printf("  %-18s %s\n", c->name, c->summary);
    puts("\nEvery command has --help with examples; most have --json. A first look:\n"
         "  trainyard serve --data ./data            then, in another terminal:\n"
         "  trainyard login http://127.0.0.1:9280\n"
         "  trainyard run train.py --follow");
}

/* How many words of argv the command's name takes, 0 when it is another one. */
static int words_matched(const struct command *c, int argc, char **argv)
{
    const char *space = strchr(c->name, ' ');

    if (!space)
        return strcmp(c->name, argv[0]) == 0;
    if (argc < 2 || strncmp(c->name, argv[0], (size_t)(space - c->name)) != 0 || argv[0][space - c->name])
        return 0;
    return strcmp(space + 1, argv[1]) == 0 ? 2 : 0;
}

/* What may follow a word that several commands start with; false when none does. */
static bool explain_noun(const char *noun)
{
    CLEANUP(text_done) struct text verbs = {0};
    size_t len = strlen(noun);

    for (const struct command *c = commands; c->name; c++)
        if (strncmp(c->name, noun, len) == 0 && c->name[len] == ' ')
            text_addf(&verbs, "%s%s", verbs.len ? ", " : "", c->name + len + 1);
    if (verbs.len)
        fprintf(stderr, "trainyard %s: one of %s\n", noun, verbs.data);
    return verbs.len > 0;
}

static void forget_login(struct client_login *login)
{
    free(login->url);
    free(login->user);
    free(login->token);
}

int cli_main(int argc, char **argv)
{
    for (const struct command *c = commands; c->name; c++) {
        struct cli cli = { .command = c };
        int n = words_matched(c, argc, argv);
        int code;

        if (n == 0)
            continue;
        code = c->run(&cli, argc - n + 1, argv + n - 1);
        client_free(cli.client);
        forget_login(&cli.login);
        return code;
    }
    if (!explain_noun(argv[0]))
        fprintf(stderr, "trainyard: there is no command \"%s\"; `trainyard --help` lists them\n", argv[0]);
    return EXIT_USAGE;
}

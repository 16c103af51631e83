// SPDX-License-Identifier: Apache-2.0
#include "cli/completion.h"

#include <stdio.h>
#include <string.h>

/* Whether `c` is the first command of the table whose name starts with its first word. */
static bool is_new_word(const struct command *c, size_t len)
{
    for (const struct command *d = commands; d != c; d++)
        if (strncmp(d->name, c->name, len) == 0 && (d->name[len] == ' ' || !d->name[len]))
            return false;
    return true;
}

/* Calls each() for every word that several commands start with. */
static void each_noun(void (*each)(const char *noun, int len))
{
    for (const struct command *c = commands; c->name; c++) {
        size_t len = strcspn(c->name, " ");

        if (c->name[len] && is_new_word(c, len))
            each(c->name, (int)len);
    }
}

static void print_verbs(const char *noun, int len)
{
    printf(" ;;\n    2:%.*s) words='", len, noun);
    for (const struct command *c = commands; c->name; c++)
        if (strncmp(c->name, noun, (size_t)len) == 0 && c->name[len] == ' ')
            printf(" %s", c->name + len + 1);
    putchar('\'');
}

static void print_first_words(void)
{
    for (const struct command *c = commands; c->name; c++) {
        size_t len = strcspn(c->name, " ");

        if (is_new_word(c, len))
            printf(" %.*s", (int)len, c->name);
    }
    fputs(" serve user help version", stdout);
}

static void print_bash(void)
{
    fputs("_trainyard() {\n"
          "    local word=${COMP_WORDS[COMP_CWORD]} words=''\n"
          "    case $COMP_CWORD:${COMP_WORDS[1]} in\n"
          "    1:*) words='", stdout);
    print_first_words();
    putchar('\'');
    each_noun(print_verbs);
    fputs(" ;;\n    2:user) words='add passwd ls rm' ;;\n"
          "    2:completion) words='bash zsh fish' ;;\n"
          "    2:show|2:logs|2:stop|2:rm|2:result)\n"
          "        words=$(trainyard ps --all --json 2>/dev/null | sed -n 's/^ *\"id\": \"\\(.*\\)\",$/\\1/p') ;;\n"
          "    3:dataset)\n"
          "        [ \"${COMP_WORDS[2]}\" = add ] || words=$(trainyard dataset ls --json 2>/dev/null | sed -n 's/^    \"name\": \"\\(.*\\)\",*$/\\1/p') ;;\n"
          "    3:search)\n"
          "        words=$(trainyard search ls --json 2>/dev/null | sed -n 's/^ *\"hpoName\": \"\\(.*\\)\",$/\\1/p') ;;\n"
          "    3:algorithm)\n"
          "        words=$(trainyard algorithm ls --json 2>/dev/null | sed -n 's/^ *\"name\": \"\\(.*\\)\",$/\\1/p') ;;\n"
          "    esac\n"
          "    COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
          "    [ -n \"$words\" ] || COMPREPLY=($(compgen -f -- \"$word\"))\n"
          "}\n"
          "complete -F _trainyard trainyard\n", stdout);
}

static void print_fish_noun(const char *noun, int len)
{
    printf("complete -c trainyard -n __fish_use_subcommand -f -a %.*s\n", len, noun);
}

static void print_fish(void)
{
    for (const struct command *c = commands; c->name; c++) {
        const char *space = strchr(c->name, ' ');

        if (space)
            printf("complete -c trainyard -n '__fish_seen_subcommand_from %.*s' -f -a %s -d '%s'\n", (int)(space - c->name),
                   c->name, space + 1, c->summary);
        else
            printf("complete -c trainyard -n __fish_use_subcommand -f -a %s -d '%s'\n", c->name, c->summary);
    }
    each_noun(print_fish_noun);
    puts("complete -c trainyard -n __fish_use_subcommand -f -a 'serve user'");
}

int completion_command(struct cli *cli, int argc, char **argv)
{
    int code = cli_flags(cli, argc, argv, NULL, 0);
    const char *shell;

    if (code >= 0)
        return code;
    shell = cli->n_words == 1 ? cli->words[0] : "";
    if (strcmp(shell, "zsh") == 0)
        puts("autoload -U +X bashcompinit && bashcompinit");
    if (strcmp(shell, "bash") == 0 || strcmp(shell, "zsh") == 0)
        print_bash();
    else if (strcmp(shell, "fish") == 0)
        print_fish();
    else
        return cli_usage(cli, "for which shell: bash, zsh or fish?");
    return EXIT_DONE;
}

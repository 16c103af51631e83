// SPDX-License-Identifier: Apache-2.0
#include "cli/completion.h"

#include <stdio.h>
#include <string.h>

/* First words without repeats, or the second words of `first`. */
static void print_words(const char *first)
{
    size_t len = first ? strlen(first) : 0;

    for (const struct command *c = commands; c->name; c++) {
        const char *space = strchr(c->name, ' ');

        if (first && space && strncmp(c->name, first, len) == 0 && c->name[len] == ' ')
            printf(" %s", space + 1);
        else if (!first && !space)
            printf(" %s", c->name);
    }
    if (!first)
        fputs(" search serve user help version", stdout);
}

static void print_bash(void)
{
    fputs("_trainyard() {\n"
          "    local word=${COMP_WORDS[COMP_CWORD]} words=''\n"
          "    case $COMP_CWORD:${COMP_WORDS[1]} in\n"
          "    1:*) words='", stdout);
    print_words(NULL);
    fputs("' ;;\n    2:search) words='", stdout);
    print_words("search");
    fputs("' ;;\n    2:user) words='add passwd ls rm' ;;\n"
          "    2:completion) words='bash zsh fish' ;;\n"
          "    2:show|2:logs|2:stop|2:rm|2:result)\n"
          "        words=$(trainyard ps --all --json 2>/dev/null | sed -n 's/^ *\"id\": \"\\(.*\\)\",$/\\1/p') ;;\n"
          "    3:search)\n"
          "        words=$(trainyard search ls --json 2>/dev/null | sed -n 's/^ *\"hpoName\": \"\\(.*\\)\",$/\\1/p') ;;\n"
          "    esac\n"
          "    COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n"
          "    [ -n \"$words\" ] || COMPREPLY=($(compgen -f -- \"$word\"))\n"
          "}\n"
          "complete -F _trainyard trainyard\n", stdout);
}

static void print_fish(void)
{
    for (const struct command *c = commands; c->name; c++) {
        const char *space = strchr(c->name, ' ');

        if (space)
            printf("complete -c trainyard -n '__fish_seen_subcommand_from search' -f -a %s -d '%s'\n", space + 1, c->summary);
        else
            printf("complete -c trainyard -n __fish_use_subcommand -f -a %s -d '%s'\n", c->name, c->summary);
    }
    puts("complete -c trainyard -n __fish_use_subcommand -f -a 'search serve user'");
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

// SPDX-License-Identifier: Apache-2.0
/* Random search over ranges of double: cc -O2 -o optimizer optimizer.c */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One value for each hyperparameter of the first line. */
static void suggest(const char *start)
{
    const char *at = strstr(start, "\"hyper_parameters\"");

    putchar('{');
    for (int i = 0; at && (at = strstr(at, "{\"name\":\"")); i++) {
        double low = strtod(strstr(at, "\"minDbVal\":") + 11, NULL), high = strtod(strstr(at, "\"maxDbVal\":") + 11, NULL);

        at += 9;
        printf("%s\"%.*s\":%.17g", i ? "," : "", (int)strcspn(at, "\""), at, low + (high - low) * drand48());
    }
    putchar('}');
}

int main(void)
{
    char *line = NULL, *start = NULL, *asked;
    size_t size = 0;

    srand48(1);         /* no state is given: the same calls give the same values when the server repeats them */
    while (getline(&line, &size, stdin) > 0) {
        asked = strstr(line, "\"number_samples\":");
        if (!asked) {
            start = strdup(line);
            continue;
        }
        if (strstr(start, "IntVal\":") || strstr(start, "\"discre") || strstr(start, "\"fixedVal\":")) {
            puts("{\"error\":\"it can search ranges of double only\"}");
            return 1;
        }
        printf("{\"suggestions\":[");
        for (int i = atoi(asked + 17); i > 0; i--) {
            suggest(start);
            printf(i > 1 ? "," : "]}\n");
        }
        fflush(stdout);
    }
    return 0;
}

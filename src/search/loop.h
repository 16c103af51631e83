// SPDX-License-Identifier: Apache-2.0
#pragma once
/* The inside of the search room: live searches and their trials. The engine thread owns all of it;
 * a trial that is being prepared or read belongs to a worker thread until its message arrives. */

#include "base/err.h"
#include "search/document.h"
#include "search/early.h"
#include "search/search_store.h"
#include "search/searches.h"
#include "search/tally.h"
#include "store/writer.h"
#include "tasks/submit.h"

struct db;
struct helpers;
struct metric_row;
struct records;
struct tasks;
struct watch;

enum {
    TRIALS_AHEAD       = 2,     /* prepared before a slot is free, when the algorithm allows it */
    REFUSALS_MAX       = 3,     /* experiments in a row that could not be submitted end the search */
    RETRY_MS           = 2000,  /* after a write that failed, on a full disk for example */
};

enum trial_phase {
    TRIAL_QUEUED,    /* to be run again, with the hyperparameters it had */
    TRIAL_PREPARING, /* a worker thread places its files */
    TRIAL_READY,     /* waits for a slot */
    TRIAL_STORING,   /* rows on their way into the database */
    TRIAL_ACTIVE,    /* its task exists and has not ended */
    TRIAL_READING,   /* a worker thread reads its metric */
    TRIAL_ENDING,    /* its end on the way into the database */
    TRIAL_LEAVING,   /* will not run; a worker thread removes its files */
};

struct trial {
    struct trial *next;
    struct live *live;
    struct mem *mem;
    enum trial_phase phase;
    struct experiment row;      /* texts in mem or live->mem */
    const double *cube;         /* its point */
    bool again;                 /* its row exists, NOTRUN */
    bool adopted;               /* found after a restart of the server */
    bool timed_out;             /* killed by maxRunTime */
    struct submission submission;
    struct watch *retry;
    struct err err;             /* PREPARING: why it cannot be submitted */
    char exec_state[32];        /* final state of its task */
    struct early_curve curve;   /* of the objective; early_stop.c */
    struct tally tally;         /* of the metrics that the search wants, from the first news on; live_metrics.c */
    bool unshown;               /* the tally has news that are not on their way into the database */
};

/* One search that has not ended, or whose last trials are being waited for. */
struct live {
    struct live *next;
    struct searches *searches;
    struct mem *mem;
    struct search row;          /* as it was read; state and counters are kept below */
    enum search_state state;
    struct search_plan plan;
    struct algorithm_ctx *algorithm;
    const char *package;        /* path; NULL: none */
    struct trial *trials;       /* in order of submission */
    struct trial **trials_end;
    int n_under_way;            /* trials that are not QUEUED; those may be thousands after a restart */
    int64_t next_id;
    int n_slots;                /* trials STORING or ACTIVE */
    int n_pending;              /* changes and checks on their way */
    int n_refused;              /* in a row */
    int64_t n_run;              /* experiments that ended */
    bool has_best;
    bool exhausted;             /* nothing more to suggest */
    bool stopping;              /* no new trials; STOPPED when the last has ended */
    bool timed_out;
    bool files_gone;
    bool hopeless;              /* experiments cannot be submitted */
    bool later;                 /* the algorithm has nothing to suggest until it is told or wakes us */
    const char *broken;         /* why the algorithm cannot go on; NULL */
    bool dropped;               /* its end is in the database, or on the way; only drain */
    bool forced;                /* a forced stop: to be recorded as carried out once drained */
    const char *trouble;        /* of the first experiment that failed; NULL */
    struct watch *deadline;
    struct early early;
    const char *series[METRIC_SOURCES]; /* names of the objective's series; NULL: no early stopping */
    struct watch *show_timer;   /* until the metrics of running trials are shown next; NULL: no news of them */
    bool showing;               /* they are on their way into the database */
};

/* A change on its way through the writer. */
struct change {
    struct change *next;
    struct searches *searches;
    struct live *live;
    struct trial *trial;
    write_fn *make;             /* arg is the change */
    void (*then)(struct change *c);     /* on the engine thread; c->err is 0 or ERR_CONFLICT */
    struct err err;
    struct search_news news;
    struct watch *retry;
    enum search_state to;
    struct experiment row;
    struct list rows;           /* of struct experiment */
    struct mem *mem;            /* owned; what row and rows borrow and the trial may not outlive; NULL */
    const char *message;
    int64_t now_ms;
};

struct check {                  /* what became of tasks that were found running */
    struct live *live;
    struct mem *mem;
    struct list execs;          /* of struct exec: ids, search and trial in, rows out */
    struct err err;
    struct watch *retry;
};

struct searches {
    struct tasks *tasks;
    struct live *lives;
    struct change *changes;
    struct records *records;
    struct helpers *helpers;        /* processes of plugins */
};

/* --- change.c: any failure but a conflict is tried again until it works --- */
struct change *change_new(struct live *live, struct trial *trial, write_fn *make,
                          void (*then)(struct change *c));
void change_send(struct change *c);
void changes_free(struct searches *s);
void news_publish(struct searches *s, const char *owner, const char *name,
                  const struct search_news *news);

/* --- prepare.c: blocking, on worker threads --- */
/* A search as the database has it, ready for search_adopt(). */
struct live *live_load(struct searches *s, const char *name, struct err *err);
const double *cube_read(const char *text, int n_dims, struct mem *mem); /* does not block */
void trial_prepare(void *trial); /* ends with trial_prepared() */
void trial_read(void *trial);    /* ends with trial_was_read() */
void trial_undo(void *trial);    /* ends with trial_undone() */
void check_execs(void *check);   /* ends with execs_checked() */

/* --- trial.c: on the engine thread; the first three are messages --- */
void trial_prepared(void *trial);
void trial_was_read(void *trial);
void trial_undone(void *trial);
void search_moved(void *searches, const struct exec *exec); /* for tasks_on_move() */
struct trial *trial_new(struct live *live);                 /* QUEUED, last in the list */
void trial_send(struct trial *t);                           /* to be prepared */
void trial_start(struct trial *t);                          /* READY: takes a slot */
void trial_stop(struct trial *t, bool force);               /* ACTIVE */
void trial_discard(struct trial *t); /* READY or not stored: its files go, then it goes */
void trial_remove(struct trial *t);

/* The next trial under way after `after` (NULL: the first); NULL when `*seen`, which starts at 0, says that there are no
 * more. However many are queued, this looks at few of them. */
struct trial *trial_under_way(const struct live *live, const struct trial *after, int *seen);
void trial_free(struct trial *t);

struct metric_news {            /* as exec_metrics_fn has it; borrowed */
    const struct metric_row *rows;
    size_t n;
    const char *const *replaced;
    size_t n_replaced;
};

/* --- live_metrics.c: on the engine thread --- */
void search_measured(void *searches, const char *exec, const struct metric_row *rows, size_t n,
                     const char *const *replaced, size_t n_replaced); /* for tasks_on_metrics() */
void search_hear_again(struct live *live);  /* what its tasks reported before anyone knew of it */

/* --- early_stop.c: all but the first two on the engine thread --- */
void early_begin(struct live *live); /* once its plan is known */
int early_load(struct live *live, struct db *db, const struct experiment *e, struct err *err); /* blocks */
void early_measured(struct trial *t, const struct metric_news *news);
bool early_measured_late(struct live *live, const char *exec, const struct metric_news *news); /* false: no curve */
void early_told(struct trial *t, bool fine); /* it has ended: its curve counts for others */

/* --- loop.c: on the engine thread; the first two are messages --- */
void search_adopt(void *live); /* takes over a loaded search */
void execs_checked(void *check);
void search_pump(struct live *live); /* does what may be done now; it may be gone afterwards */
void search_wake(void *live); /* the algorithm said ASK_LATER, and may know more now */
bool no_more_trials(const struct live *live); /* it is ending: nothing is started any more */
void live_settle(struct live *live); /* a dropped search goes once nothing of it is under way */
void search_stop(struct live *live);
void search_abandon(struct live *live); /* a forced stop: its end is in the database */
struct live *live_find(struct searches *s, const char *name); /* NULL: not live */
void live_free(struct live *live);

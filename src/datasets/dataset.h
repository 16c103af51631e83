// SPDX-License-Identifier: Apache-2.0
#pragma once
/* What a dataset is: the document it is created from, its record, its kinds and states, and what its builder's report
 * says. Pure. */

#include "base/field.h"
#include "tasks/dataset_input.h"

struct err;
struct mem;
struct text;

/* ImageDetail. Texts are NULL, numbers INT_UNSET, when absent. */
struct image_detail {
    bool using_text;
    const char *train_text, *val_text, *test_text, *label_text;
    const char *train_images, *val_images, *test_images;
    const char *type;           /* Color, Grayscale */
    int64_t height, width;      /* pixels; INT_UNSET: as they are */
    const char *resize;         /* Squash, Crop, Fill, HalfCropHalfFill */
    int64_t val_percentage, test_percentage;
    const char *split;          /* hold-out, random, sequential, stratified */
};

/* DatasetCreateParam, with members of our own at the end. */
struct dataset_spec {
    const char *name;
    const char *kind;           /* datasourcetype */
    const char *backend;        /* dbbackend */
    const char *sig;            /* sigid: echoed; names the instance group when there is one so called */
    const char *train, *val, *test, *mean_file;
    struct image_detail image;
    int64_t shards;
    bool by_class;
    const char *plugin;
    const char *labels;         /* file with a class name a line */
    bool copy;                  /* copy what could stay where it is */
    bool encoded;               /* store images as they are compressed, not as pixels */
    int64_t seed;
    double max_broken;          /* part of the images that may be unreadable */
    int64_t threads;
    bool shared;
};

extern const struct field dataset_spec_fields[];

/* One of its paths, by the name of its member; in the order of the document. NULL behind the last. */
struct dataset_path {
    const char *field;          /* "imagedetail.trainimagepath" */
    size_t offset;              /* of a const char * in struct dataset_spec */
};
extern const struct dataset_path dataset_paths[];
const char **dataset_path_at(struct dataset_spec *s, const struct dataset_path *p);

/* What fields cannot say: the name, the back end of the kind, and that there is something to build from. With `upload`
 * a document without any path is about the uploaded folder itself. ERR_BAD_INPUT with the field. */
int dataset_spec_check(struct dataset_spec *s, bool upload, struct err *err);

enum dataset_status { DATASET_SUBMITTED, DATASET_RUNNING, DATASET_FINISHED, DATASET_ERROR, DATASET_KILLED };
const char *dataset_status_name(enum dataset_status status);
bool dataset_is_final(const char *status);

struct dataset {                /* DatasetDetail, and the hidden rest of its row */
    struct dataset_spec spec;
    const char *status;
    double run_minutes;         /* NaN until it runs */
    const char *sig_name, *master_url, *driver_id;
    const char *exec;           /* the task that builds it; sparkappid */
    struct list train_labels, val_labels, test_labels;      /* struct list of const char *: label, count */
    const char *submitted_time, *creator;
    double size_mb;             /* NaN until FINISHED */
    const char *message;        /* why it did not end well; NULL */
    const char *progress;       /* the last line its builder said; NULL */
    double percent;             /* of the build; NaN when unknown */
    json_t *report;             /* what was found, without the long lists */
    struct dataset_input input;
    /* hidden */
    int64_t seq;
    const char *spec_text, *report_text, *input_text, *sig_id, *target, *source;
    int64_t n_tries, created_ms, started_ms, ended_ms, size_bytes;
    bool shared, stop_asked, deleted;
};

extern const struct field dataset_fields[];         /* DatasetDetail */
extern const struct field dataset_row_fields[];     /* columns of table dataset */

/* Fills the record from its row. Everything lives in `mem`. ERR_INTERNAL when the stored texts are damaged. */
int dataset_fill(struct dataset *d, int64_t now_ms, struct mem *mem, struct err *err);

/* The one-line JSON of a `dataset.state` event. */
void dataset_event_json(const struct dataset *d, struct text *out);

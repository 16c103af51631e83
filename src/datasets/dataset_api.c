// SPDX-License-Identifier: Apache-2.0
#include "datasets/dataset_api.h"

#include "http/not_built.h"

const struct route datasets_routes[] = {
    { GET,    "/datasets",                            USER, not_built, "getFullDatasetDetails", "Datasets", "List all datasets", .failures = NOT_BUILT_FAILURES },
    { POST,   "/datasets",                            USER, not_built, "addDataset",            "Datasets", "Create a dataset", .failures = NOT_BUILT_FAILURES },
    { GET,    "/datasets/{datasetname}",              USER, not_built, "getDatasetInfo",        "Datasets", "One dataset", .failures = NOT_BUILT_FAILURES },
    { DELETE, "/datasets/{datasetname}",              USER, not_built, "deleteDatasetInfo",     "Datasets", "Delete a dataset", .failures = NOT_BUILT_FAILURES },
    { GET,    "/datasets/{datasetname}/csvs",         USER, not_built, "csvList",               "Datasets", "Rows of a CSV dataset", .failures = NOT_BUILT_FAILURES },
    { GET,    "/datasets/{datasetname}/objectimages", USER, not_built, "objectimageList",       "Datasets", "Pictures of an object-detection dataset", .failures = NOT_BUILT_FAILURES },
    { PUT,    "/datasets/{datasetname}/stop",         USER, not_built, "stopDataSet",           "Datasets", "Stop building a dataset", .failures = NOT_BUILT_FAILURES },
    { .path = NULL },
};

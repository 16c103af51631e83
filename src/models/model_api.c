// SPDX-License-Identifier: Apache-2.0
#include "models/model_api.h"

#include "http/not_built.h"

const struct route models_routes[] = {
    { GET,    "/models",                   USER, not_built, "getModels",                  "Models", "List models", .failures = NOT_BUILT_FAILURES },
    { POST,   "/models",                   USER, not_built, "addModel",                   "Models", "Create a model from a template", .failures = NOT_BUILT_FAILURES },
    { GET,    "/models/files/{filename...}", USER, not_built, "getModelFileContentByName",  "Models", "Content of a model file", .failures = NOT_BUILT_FAILURES },
    { POST,   "/models/weightfile",        USER, not_built, "uploadWf",                   "Models", "Upload a weight file", .failures = NOT_BUILT_FAILURES },
    { GET,    "/models/{modelname}",       USER, not_built, "getModelByName",             "Models", "One model", .failures = NOT_BUILT_FAILURES },
    { PUT,    "/models/{modelname}",       USER, not_built, "updateModel",                "Models", "Change a model", .failures = NOT_BUILT_FAILURES },
    { DELETE, "/models/{modelname}",       USER, not_built, "deleteModel",                "Models", "Delete a model", .failures = NOT_BUILT_FAILURES },
    { GET,    "/models/{modelname}/files", USER, not_built, "getModelFiles",              "Models", "Files of a model", .failures = NOT_BUILT_FAILURES },
    { PUT,    "/models/{modelname}/files", USER, not_built, "saveModelFileContentByName", "Models", "Save a model file", .failures = NOT_BUILT_FAILURES },
    { .path = NULL },
};

// SPDX-License-Identifier: Apache-2.0
#include "models/validation_api.h"

#include "http/not_built.h"

const struct route validations_routes[] = {
    { GET,    "/models/{modelname}/validations",                USER, not_built, "getValidations",   "Validations", "Validations of a model", .failures = NOT_BUILT_FAILURES },
    { POST,   "/models/{modelname}/validations",                USER, not_built, "startValidation",  "Validations", "Start a validation", .failures = NOT_BUILT_FAILURES },
    { DELETE, "/models/{modelname}/validations/{valname}",      USER, not_built, "deleteValidation", "Validations", "Delete a validation", .failures = NOT_BUILT_FAILURES },
    { PUT,    "/models/{modelname}/validations/{valname}/stop", USER, not_built, "stopValidation",   "Validations", "Stop a validation", .failures = NOT_BUILT_FAILURES },
    { .path = NULL },
};

// SPDX-License-Identifier: Apache-2.0
#include "models/tuning_api.h"

#include "http/not_built.h"

const struct route tunings_routes[] = {
    { GET,    "/models/{modelname}/hypersearch",                                    USER, not_built, "getModelAutoTuningStatus",       "Tunings", "Tunings of a model", .failures = NOT_BUILT_FAILURES },
    { POST,   "/models/{modelname}/hypersearch",                                    USER, not_built, "startModelAutoTuning",           "Tunings", "Start a tuning", .failures = NOT_BUILT_FAILURES },
    { GET,    "/models/{modelname}/hypersearch/{tuningname}",                       USER, not_built, "getModelAutoTuningStatusByName", "Tunings", "One tuning", .failures = NOT_BUILT_FAILURES },
    { DELETE, "/models/{modelname}/hypersearch/{tuningname}",                       USER, not_built, "DeleteModelAutoTuning",          "Tunings", "Delete a tuning", .failures = NOT_BUILT_FAILURES },
    { PUT,    "/models/{modelname}/hypersearch/{tuningname}/create/{newmodelname}", USER, not_built, "createModelUsingTuningResult",   "Tunings", "Make a model from the best experiment", .failures = NOT_BUILT_FAILURES },
    { PUT,    "/models/{modelname}/hypersearch/{tuningname}/force",                 USER, not_built, "stopModelAutoTuningForce",       "Tunings", "Stop a tuning at once", .failures = NOT_BUILT_FAILURES },
    { PUT,    "/models/{modelname}/hypersearch/{tuningname}/restart",               USER, not_built, "restartModelAutoTuning",         "Tunings", "Restart a tuning", .failures = NOT_BUILT_FAILURES },
    { PUT,    "/models/{modelname}/hypersearch/{tuningname}/stop",                  USER, not_built, "stopModelAutoTuning",            "Tunings", "Stop a tuning", .failures = NOT_BUILT_FAILURES },
    { PUT,    "/models/{modelname}/hypersearch/{tuningname}/update",                USER, not_built, "updateModelUsingTuningResult",   "Tunings", "Give a model the best hyperparameters", .failures = NOT_BUILT_FAILURES },
    { .path = NULL },
};

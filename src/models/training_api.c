// SPDX-License-Identifier: Apache-2.0
#include "models/training_api.h"

#include "http/not_built.h"

const struct route trainings_routes[] = {
    { GET,    "/models/{modelname}/trainingnames",                       USER, not_built, "getModelTrainingNames",       "Trainings", "Names of the trainings of a model", .failures = NOT_BUILT_FAILURES },
    { GET,    "/models/{modelname}/trainings",                           USER, not_built, "getModelTrainings",           "Trainings", "Trainings of a model", .failures = NOT_BUILT_FAILURES },
    { POST,   "/models/{modelname}/trainings",                           USER, not_built, "startModelTraining",          "Trainings", "Start a training", .failures = NOT_BUILT_FAILURES },
    { GET,    "/models/{modelname}/trainings/{trainingname}",            USER, not_built, "getModelTrainingbyName",      "Trainings", "One training", .failures = NOT_BUILT_FAILURES },
    { DELETE, "/models/{modelname}/trainings/{trainingname}",            USER, not_built, "delModelTraining",            "Trainings", "Delete a training", .failures = NOT_BUILT_FAILURES },
    { PUT,    "/models/{modelname}/trainings/{trainingname}/stop",       USER, not_built, "stopModelTraining",           "Trainings", "Stop a training", .failures = NOT_BUILT_FAILURES },
    { GET,    "/models/{modelname}/trainings/{trainingname}/weightfile", USER, not_built, "getModelTrainingWeightfiles", "Trainings", "Weight file of a training", .failures = NOT_BUILT_FAILURES },
    { .path = NULL },
};

// SPDX-License-Identifier: Apache-2.0
#include "models/inference_api.h"

#include "http/not_built.h"

const struct route inferences_routes[] = {
    { GET,    "/inferences",                        USER, not_built, "getAllPredictsByModelName", "Inferences", "Predictions of a model", .failures = NOT_BUILT_FAILURES },
    { POST,   "/inferences",                        USER, not_built, "createModelTrainInference", "Inferences", "Make an inference model from a training", .failures = NOT_BUILT_FAILURES },
    { POST,   "/inferences/startpredict",           USER, not_built, "startPredict",              "Inferences", "Start a prediction", .failures = NOT_BUILT_FAILURES },
    { GET,    "/inferences/{predictName}",          USER, not_built, "getPredictByPredictName",   "Inferences", "One prediction", .failures = NOT_BUILT_FAILURES },
    { DELETE, "/inferences/{predictName}",          USER, not_built, "deletePredict",             "Inferences", "Delete a prediction", .failures = NOT_BUILT_FAILURES },
    { GET,    "/inferences/{predictName}/predicts", USER, not_built, "getPredictResults",         "Inferences", "Results of a prediction", .failures = NOT_BUILT_FAILURES },
    { PUT,    "/inferences/{predictName}/stop",     USER, not_built, "stopInference",             "Inferences", "Stop a prediction", .failures = NOT_BUILT_FAILURES },
    { .path = NULL },
};

// SPDX-License-Identifier: Apache-2.0
#include "serving/service_api.h"

#include "http/not_built.h"

const struct route services_routes[] = {
    { GET,    "/edimodels",                             USER, not_built, "getEDIModels",          "Services", "List inference services", .failures = NOT_BUILT_FAILURES },
    { POST,   "/edimodels/new",                         USER, not_built, "newEDIModel",           "Services", "Create a service from files on the server", .failures = NOT_BUILT_FAILURES },
    { GET,    "/edimodels/{modelname}",                 USER, not_built, "getEDIModel",           "Services", "One service", .failures = NOT_BUILT_FAILURES },
    { POST,   "/edimodels/{modelname}",                 USER, not_built, "publishEDIModel",       "Services", "Publish an inference model as a service", .failures = NOT_BUILT_FAILURES },
    { PUT,    "/edimodels/{modelname}",                 USER, not_built, "updateEDIModel",        "Services", "Change a service", .failures = NOT_BUILT_FAILURES },
    { DELETE, "/edimodels/{modelname}",                 USER, not_built, "deleteEDIModel",        "Services", "Delete a service", .failures = NOT_BUILT_FAILURES },
    { GET,    "/edimodels/{modelname}/appprofile",      USER, not_built, "getEDIModelPorfile",    "Services", "Profile of a service", .failures = NOT_BUILT_FAILURES },
    { PUT,    "/edimodels/{modelname}/appprofile",      USER, not_built, "updateEDIModelPorfile", "Services", "Change the profile of a service", .failures = NOT_BUILT_FAILURES },
    { POST,   "/edimodels/{modelname}/inference",       USER, not_built, "doEDIInference",        "Services", "Send data through a service", .failures = NOT_BUILT_FAILURES },
    { GET,    "/edimodels/{modelname}/instance",        USER, not_built, "getEDIModelInstance",   "Services", "Running instances of a service", .failures = NOT_BUILT_FAILURES },
    { PUT,    "/edimodels/{modelname}/operation/start", USER, not_built, "startEDIModel",         "Services", "Start a service", .failures = NOT_BUILT_FAILURES },
    { PUT,    "/edimodels/{modelname}/operation/stop",  USER, not_built, "stopEDIModel",          "Services", "Stop a service", .failures = NOT_BUILT_FAILURES },
    { GET,    "/edimodels/{modelname}/readme",          USER, not_built, "getEDIModelReadme",     "Services", "README of a service", .failures = NOT_BUILT_FAILURES },
    { GET,    "/edimodels/{modelname}/streaming",       USER, not_built, "getEDIModelStreaming",  "Services", "Streaming address of a service", .failures = NOT_BUILT_FAILURES },
    { POST,   "/execs/{execId}/deploy",                 USER, not_built, "deployExec",            "Services", "Make a service of a task's result", .failures = NOT_BUILT_FAILURES },
    { .path = NULL },
};

// SPDX-License-Identifier: Apache-2.0
#include "models/template_api.h"

#include "http/not_built.h"

const struct route templates_routes[] = {
    { GET,    "/modeltemplates",                           USER, not_built, "getModelTemplateDetails",           "Model templates", "List model templates", .failures = NOT_BUILT_FAILURES },
    { POST,   "/modeltemplates",                           USER, not_built, "addModelTemplate",                  "Model templates", "Register a model template", .failures = NOT_BUILT_FAILURES },
    { GET,    "/modeltemplates/files/{filename...}",       USER, not_built, "getModelTemplateFileContentByName", "Model templates", "Content of a template file", .failures = NOT_BUILT_FAILURES },
    { GET,    "/modeltemplates/{modeltemplatename}",       USER, not_built, "getModelTemplateByName",            "Model templates", "One model template", .failures = NOT_BUILT_FAILURES },
    { PUT,    "/modeltemplates/{modeltemplatename}",       USER, not_built, "updateModelTemplate",               "Model templates", "Change a model template", .failures = NOT_BUILT_FAILURES },
    { DELETE, "/modeltemplates/{modeltemplatename}",       USER, not_built, "deleteModelTemplate",               "Model templates", "Delete a model template", .failures = NOT_BUILT_FAILURES },
    { GET,    "/modeltemplates/{modeltemplatename}/files", USER, not_built, "getModelTemplateFiles",             "Model templates", "Files of a model template", .failures = NOT_BUILT_FAILURES },
    { .path = NULL },
};

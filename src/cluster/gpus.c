// SPDX-License-Identifier: Apache-2.0
#include "cluster/cluster.h"

#include <dlfcn.h>

/* The three calls of NVIDIA's management library that we need; it returns 0 for success. */
struct nvml {
    int (*init)(void);
    int (*count)(unsigned *ret_n);
    int (*shutdown)(void);
};

static int count_devices(void *library)
{
    struct nvml nvml = {0};
    unsigned n = 0;

    *(void **)&nvml.init = dlsym(library, "nvmlInit_v2");
    *(void **)&nvml.count = dlsym(library, "nvmlDeviceGetCount_v2");
    *(void **)&nvml.shutdown = dlsym(library, "nvmlShutdown");
    if (!nvml.init || !nvml.count || !nvml.shutdown || nvml.init() != 0)
        return 0;
    if (nvml.count(&n) != 0)
        n = 0;
    nvml.shutdown();
    return n < GPUS_MAX ? (int)n : GPUS_MAX;
}

int gpus_find(int index[GPUS_MAX])
{
    void *library = dlopen("libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL);
    int n;

    if (!library)
        return 0;
    n = count_devices(library);
    dlclose(library);
    for (int i = 0; i < n; i++)
        index[i] = i;
    return n;
}

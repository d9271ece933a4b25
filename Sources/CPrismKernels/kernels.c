#include "prism_kernels.h"

// SPDX-License-Identifier: Apache-2.0
#pragma once
/* IMAGEFORCLASSIFICATION: images with a class each, into LMDB of Caffe's Datum or TFRecord files of tf.train.Example. */

#include "datasets/builder/kind.h"

extern const struct kind images_kind;

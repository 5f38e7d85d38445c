// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "common/version/version.h"

#include "common/version/version_values.h"

namespace buzzer {

const char kVersion[] = BUZZER_VERSION;
const char kCommit[] = BUZZER_COMMIT;
const char kBuildType[] = BUZZER_BUILD_TYPE;
const char kVersionText[] = BUZZER_VERSION " (commit " BUZZER_COMMIT ", " BUZZER_BUILD_TYPE ")";

}  // namespace buzzer

// Copyright 2026 The Buzzer Authors
// SPDX-License-Identifier: Apache-2.0

#include "common/secrets/secrets.h"

#include <sys/prctl.h>

#include <cstdlib>
#include <cstring>

#include "common/log/log.h"

namespace buzzer {
namespace {

// What stands in a secret's place; the lengths that the kernel shows are fixed.
constexpr char kHidden = '*';

// Volatile: the compiler must not find that nobody reads it again.
void Overwrite(char* begin, const char* end) {
  for (volatile char* byte = begin; byte != end; ++byte) *byte = kHidden;
}

}  // namespace

void CloseProcessToOthers() { prctl(PR_SET_DUMPABLE, 0); }

std::optional<std::string> TakeFromEnvironment(const char* name) {
  char* const value = std::getenv(name);
  if (value == nullptr) return std::nullopt;
  std::string taken = value;
  Overwrite(value, value + taken.size());
  unsetenv(name);
  return taken;
}

void DropSecretsFromEnvironment() {
  for (const char* name :
       {"BUZZER_BROKER_URL", "BUZZER_BROKER_USERNAME", "BUZZER_BROKER_PASSWORD"}) {
    TakeFromEnvironment(name);
  }
}

void HidePasswordsOfCommandLine(int argc, char** argv) {
  bool found = false;
  for (int i = 1; i < argc; ++i) {
    char* const scheme_end = std::strstr(argv[i], "://");
    if (scheme_end == nullptr) continue;
    // The last one: a password that was not percent-encoded may have some itself.
    char* const at = std::strrchr(scheme_end, '@');
    char* const colon = std::strchr(scheme_end + 3, ':');
    if (at == nullptr || colon == nullptr || colon >= at) continue;
    Overwrite(colon + 1, at);
    found = true;
  }
  if (!found) return;
  log::Warning("password_on_command_line",
               {{"error",
                 "until it was overwritten just now, every user of this machine could read it in "
                 "the list of processes; for the broker, BUZZER_BROKER_URL or "
                 "BUZZER_BROKER_PASSWORD in the environment is the right place"}});
}

}  // namespace buzzer

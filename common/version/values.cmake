cmake_minimum_required(VERSION 3.25)
# Writes OUT, a header with VERSION, COMMIT and BUILD_TYPE, if that changes it. An empty COMMIT
# is asked of GIT, of the repository that TREE is the top of.
if(COMMIT STREQUAL "" AND GIT AND EXISTS "${TREE}/.git")
  execute_process(COMMAND "${GIT}" -C "${TREE}" rev-parse --short=12 HEAD
                  OUTPUT_VARIABLE COMMIT OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  execute_process(COMMAND "${GIT}" -C "${TREE}" --no-optional-locks status --porcelain
                          --untracked-files=no
                  OUTPUT_VARIABLE changes ERROR_QUIET)
  if(NOT COMMIT STREQUAL "" AND NOT changes STREQUAL "")
    string(APPEND COMMIT "-dirty")
  endif()
endif()
if(COMMIT STREQUAL "")
  set(COMMIT unknown)
endif()
# It goes into a string, and into a metric's label.
string(REGEX REPLACE "[^A-Za-z0-9._+-]" "_" COMMIT "${COMMIT}")
file(CONFIGURE OUTPUT "${OUT}" CONTENT "// Made from values.cmake.
#pragma once
#define BUZZER_VERSION \"@VERSION@\"
#define BUZZER_COMMIT \"@COMMIT@\"
#define BUZZER_BUILD_TYPE \"@BUILD_TYPE@\"
" @ONLY)

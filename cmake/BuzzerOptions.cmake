# Compiler settings that every target of ours shares.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()

find_program(BUZZER_CCACHE ccache)
if(BUZZER_CCACHE)
  # What one checkout compiled, another need not: paths count from the top of the tree.
  set(CMAKE_CXX_COMPILER_LAUNCHER env "CCACHE_BASEDIR=${CMAKE_SOURCE_DIR}"
                                  CCACHE_NOHASHDIR=1 "${BUZZER_CCACHE}")
endif()

if(BUZZER_SANITIZE)
  add_compile_options(-fsanitize=${BUZZER_SANITIZE} -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${BUZZER_SANITIZE})
  if(BUZZER_SANITIZE MATCHES "undefined")
    add_compile_options(-fno-sanitize-recover=undefined)
  endif()
endif()

# buzzer_warnings(<target>): warnings are errors in what we wrote; generated
# code and system headers are left alone.
function(buzzer_warnings target)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wshadow
                                           -Wnon-virtual-dtor -Werror)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    target_compile_options(${target} PRIVATE -Wthread-safety -Werror=thread-safety)
  endif()
endfunction()

# buzzer_library(<name> SOURCES ... DEPS ...): a static library of ours, alias
# buzzer::<name>; headers are included by their path from the top.
function(buzzer_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  if(ARG_SOURCES)
    add_library(buzzer_${name} STATIC ${ARG_SOURCES})
    target_include_directories(buzzer_${name} PUBLIC "${CMAKE_SOURCE_DIR}")
    target_link_libraries(buzzer_${name} PUBLIC ${ARG_DEPS})
    buzzer_warnings(buzzer_${name})
  else()
    add_library(buzzer_${name} INTERFACE)
    target_include_directories(buzzer_${name} INTERFACE "${CMAKE_SOURCE_DIR}")
    target_link_libraries(buzzer_${name} INTERFACE ${ARG_DEPS})
  endif()
  add_library(buzzer::${name} ALIAS buzzer_${name})
endfunction()

# buzzer_binary(<file name> SOURCES ... DEPS ...)
function(buzzer_binary name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_include_directories(${name} PRIVATE "${CMAKE_SOURCE_DIR}")
  target_link_libraries(${name} PRIVATE ${ARG_DEPS})
  buzzer_warnings(${name})
endfunction()

# buzzer_test(<name> SOURCES ... DEPS ... [LABELS ...]): a GoogleTest program and
# one ctest entry.
function(buzzer_test name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS;LABELS" ${ARGN})
  if(NOT ARG_LABELS)
    set(ARG_LABELS unit)
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_include_directories(${name} PRIVATE "${CMAKE_SOURCE_DIR}")
  target_link_libraries(${name} PRIVATE ${ARG_DEPS} GTest::gmock GTest::gtest_main)
  buzzer_warnings(${name})
  # Nobody waits for a test's own code: it is compiled in two thirds of the time.
  target_compile_options(${name} PRIVATE $<$<CONFIG:Release>:-O1>)
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES LABELS "${ARG_LABELS}" TIMEOUT 120)
endfunction()

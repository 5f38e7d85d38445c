# Makes the imported targets that BuzzerDependencies found mean Debian's archives instead of
# the shared libraries: a program then has in memory what it uses of gRPC, Protobuf and
# OpenSSL, and calls it without a detour (tests/bench/README.md has the figures). Debian has no
# archives of prometheus-cpp and what it serves with: they stay shared.
if(BUZZER_SANITIZE)
  message(FATAL_ERROR "BUZZER_STATIC brings an allocator of its own: not with a sanitizer")
endif()

# The archive beside a shared library, or the library itself.
function(buzzer_archive_of library out)
  string(REGEX REPLACE "\\.so[.0-9]*$" ".a" archive "${library}")
  if(EXISTS "${archive}")
    set(${out} "${archive}" PARENT_SCOPE)
  elseif(library MATCHES "prometheus|civetweb")
    set(${out} "${library}" PARENT_SCOPE)
  else()
    message(FATAL_ERROR "no archive beside ${library}: configure with -DBUZZER_STATIC=OFF")
  endif()
endfunction()

function(buzzer_make_static target)
  foreach(property IN ITEMS IMPORTED_LOCATION IMPORTED_LOCATION_NONE IMPORTED_LOCATION_RELEASE)
    get_target_property(library ${target} ${property})
    if(library)
      buzzer_archive_of("${library}" archive)
      set_target_properties(${target} PROPERTIES ${property} "${archive}")
    endif()
  endforeach()
  get_target_property(linked ${target} INTERFACE_LINK_LIBRARIES)
  if(linked)
    set(archives "")
    foreach(library IN LISTS linked)
      if(library STREQUAL "-lre2")
        set(library "-l:libre2.a")
      elseif(library MATCHES "^/.*\\.so$")
        buzzer_archive_of("${library}" library)
      endif()
      list(APPEND archives "${library}")
    endforeach()
    set_target_properties(${target} PROPERTIES INTERFACE_LINK_LIBRARIES "${archives}")
  endif()
endfunction()

get_property(buzzer_imported DIRECTORY PROPERTY IMPORTED_TARGETS)
foreach(target IN LISTS buzzer_imported)
  buzzer_make_static(${target})
endforeach()
# Archives do not say what they need, so their order would matter too.
target_link_libraries(PkgConfig::RABBITMQ INTERFACE OpenSSL::SSL)
# Relocations packed: a megabyte less for each program to read at its start, and to keep.
add_link_options(-Wl,--gc-sections -Wl,-z,pack-relative-relocs)
set(CMAKE_CXX_LINK_EXECUTABLE
    "<CMAKE_CXX_COMPILER> <FLAGS> <CMAKE_CXX_LINK_FLAGS> <LINK_FLAGS> <OBJECTS> -o <TARGET> \
-Wl,--start-group <LINK_LIBRARIES> -Wl,--end-group")

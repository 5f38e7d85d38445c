# Where the google/* protos come from: Debian's jar, unpacked at configure time
# and never copied into the tree.
set(BUZZER_GOOGLE_JAR /usr/share/java/proto-google-common-protos.jar CACHE FILEPATH
    "Jar of Debian's libgoogle-common-protos-java")
set(BUZZER_GOOGLE_PROTO_DIR "${CMAKE_BINARY_DIR}/google_protos")
set(BUZZER_GENERATED_DIR "${CMAKE_BINARY_DIR}/generated")
file(MAKE_DIRECTORY "${BUZZER_GOOGLE_PROTO_DIR}" "${BUZZER_GENERATED_DIR}")

set(BUZZER_GOOGLE_PROTOS
    google/api/annotations.proto
    google/api/field_behavior.proto
    google/api/http.proto
    google/api/httpbody.proto
    google/rpc/code.proto
    google/rpc/error_details.proto
    google/rpc/status.proto)

foreach(proto IN LISTS BUZZER_GOOGLE_PROTOS)
  if(NOT EXISTS "${BUZZER_GOOGLE_PROTO_DIR}/${proto}")
    file(ARCHIVE_EXTRACT INPUT "${BUZZER_GOOGLE_JAR}"
         DESTINATION "${BUZZER_GOOGLE_PROTO_DIR}" PATTERNS "${proto}")
  endif()
  if(NOT EXISTS "${BUZZER_GOOGLE_PROTO_DIR}/${proto}")
    message(FATAL_ERROR "${proto} is not in ${BUZZER_GOOGLE_JAR}: "
                        "install libgoogle-common-protos-java (tools/setup does)")
  endif()
endforeach()

find_program(BUZZER_PROTOC protoc REQUIRED)
find_program(BUZZER_GRPC_PLUGIN grpc_cpp_plugin REQUIRED)

# Flags for all targets. RMQ_SANITIZE: "", "address,undefined" or "thread". RMQ_WERROR: ON in CI.
option(RMQ_WERROR "warnings are errors" OFF)
set(RMQ_SANITIZE "" CACHE STRING "sanitizers to build with")
option(RMQ_FUZZ "build the libFuzzer targets (clang)" OFF)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "" FORCE)
endif()
set(CMAKE_C_FLAGS_RELEASE "-O2 -g -DNDEBUG")
add_compile_options(-fno-strict-aliasing -fno-omit-frame-pointer -fvisibility=hidden
  -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion -Wstrict-prototypes -Wmissing-prototypes -Wcast-qual
  -Wformat=2 -Wundef -Wvla -Wwrite-strings)
add_compile_definitions(_GNU_SOURCE)
if(RMQ_WERROR)
  add_compile_options(-Werror)
endif()
if(RMQ_SANITIZE)
  add_compile_options(-fsanitize=${RMQ_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${RMQ_SANITIZE})
endif()

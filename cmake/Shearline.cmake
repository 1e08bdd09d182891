# How a room of the house is built: warnings are errors, sanitizers by preset, one library per folder.
option(SHEARLINE_ASAN "AddressSanitizer and UndefinedBehaviorSanitizer" OFF)
option(SHEARLINE_TSAN "ThreadSanitizer" OFF)
option(SHEARLINE_FUZZ "libFuzzer with both sanitizers of SHEARLINE_ASAN; needs clang" OFF)

add_library(shearline_options INTERFACE)
# g++ 12 sees overlapping copies in ordinary string concatenation (its bug 105329), hence -Wno-restrict.
target_compile_options(shearline_options INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror -Wno-restrict
  -ffile-prefix-map=${CMAKE_SOURCE_DIR}=. -fno-omit-frame-pointer)
target_include_directories(shearline_options INTERFACE ${CMAKE_SOURCE_DIR})
if(SHEARLINE_ASAN)
  target_compile_options(shearline_options INTERFACE
    -fsanitize=address,undefined -fno-sanitize-recover=undefined)
  target_link_options(shearline_options INTERFACE -fsanitize=address,undefined)
endif()
if(SHEARLINE_TSAN)
  target_compile_options(shearline_options INTERFACE -fsanitize=thread)
  target_link_options(shearline_options INTERFACE -fsanitize=thread)
endif()
if(SHEARLINE_FUZZ)
  # Warnings are judged by the compiler we ship with.
  target_compile_options(shearline_options INTERFACE
    -w -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined)
  target_link_options(shearline_options INTERFACE -fsanitize=address,undefined)
endif()

# For lines whose speed nobody will notice, so that they are compiled in less time.
if(SHEARLINE_ASAN OR SHEARLINE_TSAN)
  set(shearline_quick_build -O0)
else()
  set(shearline_quick_build $<$<CONFIG:Release>:-O1>)
endif()

# shearline_library(NAME SOURCES a.cpp ... LINKS other_room ... PRIVATE_LINKS third_party ... [QUICK_BUILD])
function(shearline_library name)
  cmake_parse_arguments(ARG "QUICK_BUILD" "" "SOURCES;LINKS;PRIVATE_LINKS" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_link_libraries(${name} PUBLIC shearline_options ${ARG_LINKS} PRIVATE ${ARG_PRIVATE_LINKS})
  if(ARG_QUICK_BUILD)
    target_compile_options(${name} PRIVATE ${shearline_quick_build})
  endif()
endfunction()

# tests-<label> builds every test program with that label, so that scripts/test builds no more than it runs.
foreach(label unit threads redis journey tour)
  add_custom_target(tests-${label})
endforeach()

# What every test file begins with is compiled once for all of them: a fifth of what tests take to build.
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/gtest_once.cpp @ONLY CONTENT "")
add_library(gtest_once OBJECT EXCLUDE_FROM_ALL ${CMAKE_BINARY_DIR}/gtest_once.cpp)
target_link_libraries(gtest_once PRIVATE shearline_options GTest::gtest)
target_compile_options(gtest_once PRIVATE ${shearline_quick_build} -Wno-array-bounds -Wno-stringop-overflow -Wno-stringop-overread)
target_precompile_headers(gtest_once PRIVATE <gtest/gtest.h>)

# shearline_test(NAME SOURCES a_test.cpp ... LINKS rooms ... LABELS unit|threads|redis|journey|tour ... [TIMEOUT s] [COST s])
# One GoogleTest program; every TEST in it becomes a ctest of its own. Those that cost more start first.
function(shearline_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT;COST" "SOURCES;LINKS;LABELS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_LINKS} GTest::gmock GTest::gtest_main)
  # What is tested keeps its optimisation, the tests' own lines do not. In what it has compiled before, g++ 12 forgets that
  # a header is the system's and warns of what never happens inside std::string.
  target_compile_options(${name} PRIVATE ${shearline_quick_build} -Wno-array-bounds -Wno-stringop-overflow -Wno-stringop-overread)
  target_precompile_headers(${name} REUSE_FROM gtest_once)
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  if(NOT ARG_COST)
    set(ARG_COST 0)
  endif()
  foreach(label ${ARG_LABELS})
    add_dependencies(tests-${label} ${name})
  endforeach()
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST TEST_LIST ${name}_discovered
    PROPERTIES TIMEOUT ${ARG_TIMEOUT} COST ${ARG_COST})
  # A list does not survive gtest_discover_tests' PROPERTIES, so ctest sets the labels when it knows the tests.
  set(labels_file ${CMAKE_CURRENT_BINARY_DIR}/${name}_labels.cmake)
  file(CONFIGURE OUTPUT ${labels_file} @ONLY CONTENT
    "if(@name@_discovered)\n  set_tests_properties(\${@name@_discovered} PROPERTIES LABELS \"@ARG_LABELS@\")\nendif()\n")
  set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES ${labels_file})
endfunction()

# shearline_must_not_compile(NAME source.cpp link case message case message ...)
# Each case is a target that no build includes: ctest builds it with CASE defined and expects the compiler's words.
# Case 0 must compile: it shows that the others fail for their own reason.
function(shearline_must_not_compile name source link)
  set(rest ${ARGN})
  while(rest)
    list(POP_FRONT rest case message)
    set(target must_not_compile_${name}_${case})
    add_library(${target} OBJECT EXCLUDE_FROM_ALL ${source})
    target_link_libraries(${target} PRIVATE ${link})
    target_compile_definitions(${target} PRIVATE CASE=${case})
    add_test(NAME MustNotCompile.${name}${case}
      COMMAND ${CMAKE_COMMAND} --build ${CMAKE_BINARY_DIR} --target ${target})
    # Two builds in one folder would wait for or disturb each other.
    set_tests_properties(MustNotCompile.${name}${case} PROPERTIES LABELS unit RESOURCE_LOCK build_folder COST 30)
    if(case GREATER 0)
      set_tests_properties(MustNotCompile.${name}${case} PROPERTIES PASS_REGULAR_EXPRESSION "${message}")
    endif()
  endwhile()
endfunction()
include(GoogleTest)

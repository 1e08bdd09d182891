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

# shearline_library(NAME SOURCES a.cpp ... LINKS other_room ... PRIVATE_LINKS third_party ...)
function(shearline_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINKS;PRIVATE_LINKS" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_link_libraries(${name} PUBLIC shearline_options ${ARG_LINKS} PRIVATE ${ARG_PRIVATE_LINKS})
endfunction()

# tests-<label> builds every test program with that label, so that scripts/test builds no more than it runs.
foreach(label unit threads redis journey tour)
  add_custom_target(tests-${label})
endforeach()

# shearline_test(NAME SOURCES a_test.cpp ... LINKS rooms ... LABELS unit|threads|redis|journey|tour ...)
# One GoogleTest program; every TEST in it becomes a ctest of its own.
function(shearline_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT" "SOURCES;LINKS;LABELS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_LINKS} GTest::gmock GTest::gtest_main)
  # What is tested keeps its optimisation; the tests' own lines are compiled in three quarters of the time.
  target_compile_options(${name} PRIVATE $<$<CONFIG:Release>:-O1>)
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  foreach(label ${ARG_LABELS})
    add_dependencies(tests-${label} ${name})
  endforeach()
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST TEST_LIST ${name}_discovered
    PROPERTIES TIMEOUT ${ARG_TIMEOUT})
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
    set_tests_properties(MustNotCompile.${name}${case} PROPERTIES LABELS unit RESOURCE_LOCK build_folder)
    if(case GREATER 0)
      set_tests_properties(MustNotCompile.${name}${case} PROPERTIES PASS_REGULAR_EXPRESSION "${message}")
    endif()
  endwhile()
endfunction()
include(GoogleTest)

# SPDX-License-Identifier: MIT
#
# What `cmake --install` puts where, and the package that `cpack` makes of it:
#   bin/attnfuzz, lib/attnfuzz: the null HIP runtime and kernels that the command loads, man pages, completion
#   include/attnfuzz, lib/libattn_*.a, CMake package, pkg-config: the planner and the reference for other programs
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

install(TARGETS attnfuzz RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}" COMPONENT command)
install(DIRECTORY "${CMAKE_BINARY_DIR}/lib/attnfuzz-null/" DESTINATION lib/attnfuzz/null COMPONENT command
        USE_SOURCE_PERMISSIONS)
install(FILES LICENSE README.md CHANGELOG.md DESTINATION "${CMAKE_INSTALL_DOCDIR}" COMPONENT command)
install(DIRECTORY docs DESTINATION "${CMAKE_INSTALL_DOCDIR}" COMPONENT command)
# The kernels for AMD GPUs, where they were built into this folder.
install(FILES "${CMAKE_BINARY_DIR}/bin/attn_amd.so" DESTINATION lib/attnfuzz/kernels COMPONENT command OPTIONAL)

# Manual pages and completion are printed by the command itself.
set(pages "${CMAKE_BINARY_DIR}/pages")
add_custom_command(OUTPUT "${pages}/attnfuzz.1"
                   COMMAND "${CMAKE_COMMAND}" -E rm -rf "${pages}"
                   COMMAND "${CMAKE_COMMAND}" -E make_directory "${pages}"
                   COMMAND attnfuzz help --pages "${pages}"
                   DEPENDS attnfuzz COMMENT "Manual pages" VERBATIM)
add_custom_target(attn_pages ALL DEPENDS "${pages}/attnfuzz.1")
install(DIRECTORY "${pages}/" DESTINATION "${CMAKE_INSTALL_MANDIR}/man1" COMPONENT command FILES_MATCHING PATTERN "*.1")
install(FILES "${pages}/attnfuzz.bash" DESTINATION "${CMAKE_INSTALL_DATADIR}/bash-completion/completions"
        RENAME attnfuzz COMPONENT command)

# Headers keep the paths by which they include each other.
foreach(header planner/attn_planner.h planner/attn_problem.h planner/tables.h reference/attn_reference.h subjects/attn_plugin.h)
  get_filename_component(folder "${header}" DIRECTORY)
  install(FILES "${header}" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/attnfuzz/${folder}" COMPONENT library)
endforeach()
install(FILES include/attnfuzz_line.h DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" COMPONENT library)

foreach(library attn_planner attn_reference)
  string(REPLACE attn_ "" name "${library}")
  set_target_properties(${library} PROPERTIES EXPORT_NAME ${name})
  target_include_directories(${library} INTERFACE "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/attnfuzz>")
endforeach()
install(TARGETS attn_planner attn_reference attn_warnings EXPORT attnfuzz
        ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT library)
set(package "${CMAKE_INSTALL_LIBDIR}/cmake/attnfuzz")
install(EXPORT attnfuzz NAMESPACE attnfuzz:: DESTINATION "${package}" COMPONENT library)
configure_package_config_file(packaging/attnfuzzConfig.cmake.in "${CMAKE_BINARY_DIR}/attnfuzzConfig.cmake"
                              INSTALL_DESTINATION "${package}")
write_basic_package_version_file("${CMAKE_BINARY_DIR}/attnfuzzConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${CMAKE_BINARY_DIR}/attnfuzzConfig.cmake" "${CMAKE_BINARY_DIR}/attnfuzzConfigVersion.cmake"
        DESTINATION "${package}" COMPONENT library)
# From the file's own folder, so that what was installed may be moved.
file(RELATIVE_PATH up "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/.")
foreach(name planner reference)
  set(private "")
  set(requires "")
  if(name STREQUAL "reference")
    set(private "-lm")
    set(requires "attnfuzz-planner = ${PROJECT_VERSION}")
  endif()
  configure_file(packaging/attnfuzz.pc.in "${CMAKE_BINARY_DIR}/attnfuzz-${name}.pc" @ONLY)
  install(FILES "${CMAKE_BINARY_DIR}/attnfuzz-${name}.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig"
          COMPONENT library)
endforeach()

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME attnfuzz)
set(CPACK_PACKAGE_VENDOR attnfuzz)
set(CPACK_PACKAGE_CONTACT "attnfuzz <attnfuzz@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "fuzzing and property tests for attention kernel routing")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_PACKAGE_DIRECTORY "${CMAKE_BINARY_DIR}/package")
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION devel)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# The null runtime's libraries need each other, by names that belong to other packages.
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS "${CMAKE_BINARY_DIR}/lib/attnfuzz-null")
# Loaded at run time where AMD machine code is executed.
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "llvm")
include(CPack)

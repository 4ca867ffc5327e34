# SPDX-License-Identifier: MIT
#
# model_shapes.h: the shapes of the lines of corpus/seeds, each once, for check/reach.c. Shapes that people run: not
# those of witness.txt, which were made up.
set(shapes "")
file(GLOB seeds CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/corpus/seeds/*.txt")
list(REMOVE_ITEM seeds "${CMAKE_SOURCE_DIR}/corpus/seeds/witness.txt")
foreach(file ${seeds})
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${file}")
  file(STRINGS "${file}" lines REGEX "^fa1 ")
  # A list's elements must not have brackets.
  string(REGEX REPLACE "[][]" "," lines "${lines}")
  foreach(line ${lines})
    string(REGEX MATCH "q=[^,]*,([0-9]+),[0-9]+,([0-9]+),.* k=[^,]*,[0-9]+,[0-9]+,([0-9]+),.* v=[^,]*,([0-9]+)," _
           "${line}")
    set(shape "${CMAKE_MATCH_1}, ${CMAKE_MATCH_4}, ${CMAKE_MATCH_2}, ${CMAKE_MATCH_3}")
    foreach(word " mask=" " sinks" " softcap=" " max_bias=")
      string(REGEX REPLACE "\\|.*" "" problem "${line}")
      string(FIND "${problem}" "${word}" at)
      if(at LESS 0)
        string(APPEND shape ", 0")
      else()
        string(APPEND shape ", 1")
      endif()
    endforeach()
    list(APPEND shapes "${shape}")
  endforeach()
  list(REMOVE_DUPLICATES shapes)
endforeach()
list(TRANSFORM shapes REPLACE "(.+)" "X(\\1)")
list(JOIN shapes " \\\n    " rows)
file(CONFIGURE OUTPUT "${CMAKE_CURRENT_BINARY_DIR}/model_shapes.h" @ONLY
     CONTENT "/* d_k, d_v, n_head, n_head_kv; a mask, sinks, a softcap, ALiBi */
#define MODEL_SHAPES(X) \\
    @rows@
")

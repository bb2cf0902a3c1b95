# Writes LIST, a header with all update rules: those that each header of the folder RULES enrols.
if(NOT CMAKE_SCRIPT_MODE_FILE)
  set(watched CONFIGURE_DEPENDS)
endif()
file(GLOB headers RELATIVE ${RULES} ${watched} ${RULES}/*.h)
list(REMOVE_ITEM headers rule.h)
list(SORT headers)
list(TRANSFORM headers REPLACE "(.+)\\.h" "#include \"kernels/rules/\\1.h\"\n" OUTPUT_VARIABLE includes)
list(TRANSFORM headers REPLACE "\\.h" "_rules" OUTPUT_VARIABLE lists)
list(JOIN includes "" includes)
list(JOIN lists ", " lists)
file(CONFIGURE OUTPUT ${LIST} CONTENT "// All update rules; made by cmake/list_rules.cmake.
#pragma once

#include \"kernels/list.h\"
${includes}
namespace fastopt::FASTOPT_ISA {

using Rules = Joined<${lists}>;

}  // namespace fastopt::FASTOPT_ISA
")

# Fails if the objects of an instruction set define a name that the linker could share with code for other processors, or run
# code at load: a weak symbol of the standard library, merged into the baseline, would crash older processors.
foreach(object IN LISTS OBJECTS)
  execute_process(COMMAND ${NM} --defined-only ${object} OUTPUT_VARIABLE symbols COMMAND_ERROR_IS_FATAL ANY)
  string(REGEX MATCHALL "[^\n]+" lines "${symbols}")
  foreach(line IN LISTS lines)
    # Local symbols (lower case, but for the weak v and w and the unique u) cannot be shared.
    if(line MATCHES " [A-Zuvw] " AND NOT line MATCHES "fastopt[0-9]+${ISA}" AND NOT line MATCHES " DW\\.ref\\.")
      message(FATAL_ERROR "${object} defines a name outside fastopt::${ISA}: ${line}")
    endif()
    if(line MATCHES "_GLOBAL__sub_I")
      message(FATAL_ERROR "${object} has a static initialiser: ${line}")
    endif()
  endforeach()
endforeach()

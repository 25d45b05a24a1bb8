# The grammar and the lexer of SQL92 filters are made into C at build time.
find_program(LEMON lemon REQUIRED)
find_program(RE2C re2c REQUIRED)
set(made ${CMAKE_BINARY_DIR}/made/filter)
file(MAKE_DIRECTORY ${made})
add_custom_command(OUTPUT ${made}/sql92_grammar.c ${made}/sql92_grammar.h
  COMMAND ${LEMON} -q -d${made} ${CMAKE_SOURCE_DIR}/src/filter/sql92_grammar.y
  DEPENDS src/filter/sql92_grammar.y)
add_custom_command(OUTPUT ${made}/sql92_lexer.c
  COMMAND ${RE2C} -W --no-generation-date -o ${made}/sql92_lexer.c ${CMAKE_SOURCE_DIR}/src/filter/sql92_lexer.re
  DEPENDS src/filter/sql92_lexer.re)
set_source_files_properties(${made}/sql92_grammar.c ${made}/sql92_lexer.c PROPERTIES COMPILE_OPTIONS -w)
target_sources(rmq_filter PRIVATE ${made}/sql92_grammar.c ${made}/sql92_lexer.c ${made}/sql92_grammar.h)
target_include_directories(rmq_filter PRIVATE ${CMAKE_BINARY_DIR}/made)

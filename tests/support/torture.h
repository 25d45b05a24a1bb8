/* torture.h - what the torture tests share: a seed that is printed and can be given again, counts for CI and for
 * `make torture`, and lines that say how far one is.
 * RMQ_TORTURE=full    the counts of make torture; else those of CI
 * RMQ_TORTURE_SEED=n  the same again */
#ifndef TESTS_SUPPORT_TORTURE_H
#define TESTS_SUPPORT_TORTURE_H

#include <stdint.h>

/* Prints the seed with the name of what begins. The same seed gives the same numbers; which thread of a store takes
 * which is up to the system: a failure that hangs on that may need some runs to come back. */
void torture_begin(const char *what);
uint32_t torture_random(uint32_t below); /* @thread any */
int torture_count(int in_ci, int full);
/* Now and then a line. */
void torture_progress(const char *what, int64_t done, int64_t of);
/* The line of the closing note: what was done how often, and what came of it. */
void torture_result(const char *what, int64_t done, const char *came_of_it);

#endif

/* clock.h - time; the seam through which tests move it. */
#ifndef RMQ_OS_CLOCK_H
#define RMQ_OS_CLOCK_H

#include <stdint.h>

int64_t clock_wall_ms(void);      /* ms since 1970 UTC; may step */
int64_t clock_monotonic_ms(void); /* never steps */
int64_t clock_monotonic_ns(void);
void clock_sleep_ms(int64_t ms);
/* Tests only: added to clock_wall_ms from now on. */
void clock_shift_wall_ms(int64_t ms);
/* Tests only, forward: added to both monotonic clocks from now on. */
void clock_shift_monotonic_ms(int64_t ms);

#endif

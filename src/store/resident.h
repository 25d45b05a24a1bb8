/* resident.h - which stretches of the log were in memory when somebody asked the system last. Asking costs as much as a
 * small pull, and readers of several queues come to the same stretch again and again. What was there a moment ago is
 * there: nothing keeps the system from taking a page between the question and its use anyway. @thread any */
#ifndef RMQ_STORE_RESIDENT_H
#define RMQ_STORE_RESIDENT_H

#include "store/mapped_file.h"

enum { RESIDENT_STRETCH_BYTES = 256 << 10, RESIDENT_STRETCHES = 64 };

struct resident {
    _Atomic uint64_t seen[RESIDENT_STRETCHES]; /* by number; the number (40 bits) and when (ms, 24 bits); 0 = none */
};
/* Memory holds [phys, result) of the file; looks no farther than its stretch, or `least` bytes, or limit_phys. */
int64_t resident_until(struct resident *resident, const struct mapped_file *file, int64_t phys, int64_t least,
                       int64_t limit_phys, int64_t now_ms);

#endif

/* map_guard.h - a disk that cannot read a page of a mapped file must not end the process. The kernel's SIGBUS is
 * answered with a page of zeros, private to this process, in the place of the lost one: no record starts there and no
 * check sum fits, so what reads it finds damage as in any other place. What is written to such a page goes nowhere,
 * which a sync must look for (map_guard_lost).
 * file_map and file_unmap guard all mappings; other SIGBUS end the process as before. @thread any */
#ifndef RMQ_OS_MAP_GUARD_H
#define RMQ_OS_MAP_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void map_guard_add(char *data, size_t len); /* beyond MAP_GUARDS_MAX at a time they are not guarded */
void map_guard_remove(const char *data);
/* Has a page of the mapping that holds `from` been lost, at `from` or behind it, since the mapping was made? Known
 * before anything can be written to the substitute. */
bool map_guard_lost(const char *from);
int64_t map_guard_pages(void); /* lost since the start of the process, of all mappings */

enum { MAP_GUARDS_MAX = 16384 };

#endif

/* bell.h - wakes threads that follow an atomic value; costs the ringer one addition and a look when nobody sleeps.
 * Sleeper:  seen = bell_seen(b);  look at the value;  nothing to do: bell_wait(b, seen, timeout_ms);
 * Ringer:   change the value;  bell_ring(b). No ring is missed. Holds no memory. @thread any */
#ifndef RMQ_STORE_BELL_H
#define RMQ_STORE_BELL_H

#include <stdatomic.h>
#include <stdint.h>

struct bell {
    _Atomic uint32_t rings; /* a futex */
    _Atomic uint32_t sleepers;
};
void bell_init(struct bell *bell);
uint32_t bell_seen(struct bell *bell);
void bell_ring(struct bell *bell);
/* Returns when rung after `seen` was taken, or after timeout_ms (< 0: no limit); now and then without reason. */
void bell_wait(struct bell *bell, uint32_t seen, int64_t timeout_ms);

#endif

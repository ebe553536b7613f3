/* Quadrature decoding by table. Two bits of state: A is bit 0, B is bit 1. */
#ifndef HANDLE_QUADRATURE_H
#define HANDLE_QUADRATURE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Both bits changed at once: a step came faster than it could be read, its direction is unknown. */
#define QUADRATURE_SKIPPED 2

/* Index: old state * 4 + new state. A before B counts up. */
extern const int8_t quadrature_table[16];

static inline int8_t quadrature_step(uint8_t was, uint8_t now)
{
    return quadrature_table[(uint8_t)((was & 3) << 2 | (now & 3))];
}

#ifdef __cplusplus
}
#endif
#endif

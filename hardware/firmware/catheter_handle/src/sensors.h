/* What sensors give, made into counts. */
#ifndef HANDLE_SENSORS_H
#define HANDLE_SENSORS_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A magnetic angle sensor (AS5600): 12 bits a turn, unwrapped. */
#define ANGLE_COUNTS 4096

typedef struct {
    uint16_t last;
    bool known;
} angle_unwrap;

/* Steps since the last reading, -2048..2047. More than a quarter turn between readings sets *fast: half a turn could
   not be told from half a turn back. */
int16_t angle_step(angle_unwrap *a, uint16_t raw, bool *fast);

/* Deltas of an optical mouse sensor are signed bytes; at the end of their range motion may have been cut off. */
static inline bool motion_cut_off(int8_t delta) { return delta >= 127 || delta <= -127; }

/* A potentiometer as 0..1023 with the last digit's flicker removed: moves only when it moved by 2. */
static inline uint16_t analog_settle(uint16_t kept, uint16_t raw)
{
    return (raw > kept + 1u || raw + 1u < kept) ? raw : kept;
}

/* A stick as -127..127 around the middle that it had at the start, with a dead band. */
int8_t stick_value(uint16_t raw, uint16_t middle);

#ifdef __cplusplus
}
#endif
#endif

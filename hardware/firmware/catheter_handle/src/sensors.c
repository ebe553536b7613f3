#include "sensors.h"

int16_t angle_step(angle_unwrap *a, uint16_t raw, bool *fast)
{
    raw &= ANGLE_COUNTS - 1;
    int16_t step = 0;
    if (a->known) {
        step = (int16_t)((raw - a->last) & (ANGLE_COUNTS - 1));
        if (step >= ANGLE_COUNTS / 2)
            step = (int16_t)(step - ANGLE_COUNTS);
    }
    if (step > ANGLE_COUNTS / 4 || step < -ANGLE_COUNTS / 4)
        *fast = true;
    a->last = raw;
    a->known = true;
    return step;
}

#define STICK_DEAD 24

int8_t stick_value(uint16_t raw, uint16_t middle)
{
    int16_t off = (int16_t)(raw - middle);
    if (off > -STICK_DEAD && off < STICK_DEAD)
        return 0;
    off = (int16_t)((off + (off > 0 ? -STICK_DEAD : STICK_DEAD)) / 3);
    return (int8_t)(off > 127 ? 127 : off < -127 ? -127 : off);
}

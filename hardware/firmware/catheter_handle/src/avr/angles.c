/* AS5600 magnetic angle sensors. Their address (0x36) cannot be changed, so a TCA9548A (0x70) puts each on its own bus.
   The bus runs at 400 kHz; every wait has an end. Tried in the simulator, not yet on a real sensor. */
#ifdef __AVR__
#include "board.h"

#ifdef WITH_ANGLES
#include <util/twi.h>

#define MULTIPLEXER 0x70
#define SENSOR 0x36
#define RAW_ANGLE 0x0C
#define PATIENCE 400 /* rounds of about 6 cycles: 0.15 ms, a byte takes 0.025 ms */

void angles_init(void)
{
    TWSR = 0;
    TWBR = (uint8_t)((F_CPU / 400000UL - 16) / 2);
    TWCR = 1 << TWEN;
}

/* What the bus did; 0 when it did nothing in time. */
static uint8_t run(uint8_t control)
{
    TWCR = (uint8_t)(control | 1 << TWINT | 1 << TWEN);
    for (uint16_t left = PATIENCE; left; left--)
        if (TWCR & 1 << TWINT)
            return TW_STATUS;
    return 0;
}

/* Address or data were acknowledged. (simavr 1.6 says "data" of an address.) */
static bool taken(uint8_t status) { return status == TW_MT_SLA_ACK || status == TW_MT_DATA_ACK; }

static bool start(uint8_t address, uint8_t read)
{
    uint8_t status = run(1 << TWSTA);
    if (status != TW_START && status != TW_REP_START)
        return false;
    TWDR = (uint8_t)(address << 1 | read);
    status = run(0);
    return read ? status == TW_MR_SLA_ACK : taken(status);
}

static bool put(uint8_t byte)
{
    TWDR = byte;
    return taken(run(0));
}

static void stop(void) { TWCR = 1 << TWSTO | 1 << TWINT | 1 << TWEN; }

static int16_t transfer(uint8_t channel)
{
    if (!start(MULTIPLEXER, 0) || !put((uint8_t)(1 << channel)))
        return -1;
    if (!start(SENSOR, 0) || !put(RAW_ANGLE) || !start(SENSOR, 1))
        return -1;
    if (run(1 << TWEA) != TW_MR_DATA_ACK)
        return -1;
    uint8_t high = TWDR;
    if (run(0) != TW_MR_DATA_NACK)
        return -1;
    return (int16_t)((high & 15) << 8 | TWDR);
}

int16_t angles_read(uint8_t channel)
{
    int16_t angle = transfer(channel);
    stop();
    if (angle < 0) { /* a bus that hangs starts anew */
        TWCR = 0;
        TWCR = 1 << TWEN;
    }
    return angle;
}
#endif
#endif

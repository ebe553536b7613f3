/* A mouse sensor of the ADNS-2610 kind on two wires, looking at a rod: one delta along, one around.
   Register numbers and times are from memory of its data sheet; not yet tried on a real sensor.
   328P: clock D4, data D5. 32U4: clock D14 (PB3), data D8 (PB4). */
#ifdef __AVR__
#include "board.h"

#ifdef WITH_MOTION
#include <util/delay.h>

#if defined(__AVR_ATmega328P__)
#define M_DDR DDRD
#define M_PORT PORTD
#define M_PIN PIND
#define CLOCK 4
#define DATA 5
#else
#define M_DDR DDRB
#define M_PORT PORTB
#define M_PIN PINB
#define CLOCK 3
#define DATA 4
#endif

#define DELTA_Y 0x02
#define DELTA_X 0x03

void motion_init(void)
{
    M_PORT |= 1 << CLOCK;
    M_DDR |= 1 << CLOCK;
}

static void write_byte(uint8_t byte)
{
    M_DDR |= 1 << DATA;
    for (uint8_t bit = 0x80; bit; bit >>= 1) {
        M_PORT &= (uint8_t)~(1 << CLOCK);
        if (byte & bit)
            M_PORT |= 1 << DATA;
        else
            M_PORT &= (uint8_t)~(1 << DATA);
        _delay_us(1);
        M_PORT |= 1 << CLOCK;
        _delay_us(1);
    }
    M_DDR &= (uint8_t)~(1 << DATA);
    M_PORT |= 1 << DATA; /* pull-up: an absent sensor reads 0xFF */
}

static uint8_t read_register(uint8_t address)
{
    uint8_t byte = 0;
    write_byte(address);
    _delay_us(100);
    for (uint8_t i = 0; i < 8; i++) {
        M_PORT &= (uint8_t)~(1 << CLOCK);
        _delay_us(1);
        M_PORT |= 1 << CLOCK;
        _delay_us(1);
        byte = (uint8_t)(byte << 1 | (M_PIN >> DATA & 1));
    }
    return byte;
}

bool motion_read(int8_t *along, int8_t *around)
{
    *along = (int8_t)read_register(DELTA_Y);
    *around = (int8_t)read_register(DELTA_X);
    return !(*along == -1 && *around == -1 && read_register(0x00) == 0xFF);
}
#endif
#endif

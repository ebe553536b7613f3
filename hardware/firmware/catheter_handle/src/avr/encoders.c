/* Up to four quadrature encoders on pin-change interrupts. Two encoders that share a port are read at one instant.
   328P: D2-D3, D4-D5, D6-D7, D8-D9. 32U4: D15-D16, D14-D8, D9-D10, D3-D2. */
#ifdef __AVR__
#include <avr/interrupt.h>
#include <util/atomic.h>

#include "../quadrature.h"
#include "board.h"

/* So many changes in a row, each while the one before was being counted: too fast to trust. The table alone cannot see
   three steps at once, which look like one step back. */
#define BUSY_LIMIT 8

static volatile int16_t count[ENCODERS_MAX];
static volatile uint16_t overspeed;

#if ENCODERS > 0
#if defined(__AVR_ATmega328P__)
#define A_NOW() (uint8_t)(PIND >> 2)
#define A_FLAG PCIF2
#define A_VECTOR PCINT2_vect
#define B_NOW() (uint8_t)(PINB & 3)
#else
#define A_NOW() (uint8_t)(PINB >> 1)
#define A_FLAG PCIF0
#define A_VECTOR PCINT0_vect
#define B_NOW() (uint8_t)(PIND & 3)
#endif

static uint8_t a_was, b_was;

static inline __attribute__((always_inline)) void take(uint8_t n, uint8_t was, uint8_t now)
{
    int8_t step = quadrature_step(was, now);
    if (step == QUADRATURE_SKIPPED)
        overspeed++;
    else
        count[n] = (int16_t)(count[n] + step);
}

ISR(A_VECTOR)
{
    static uint8_t busy;
    uint8_t now = A_NOW(), changed = (uint8_t)(now ^ a_was);
    if (changed & 0x03)
        take(0, a_was, now);
#if ENCODERS > 1
    if (changed & 0x0C)
        take(1, a_was >> 2, now >> 2);
#endif
#if ENCODERS > 2
    if (changed & 0x30)
        take(2, a_was >> 4, now >> 4);
#endif
    a_was = now;
    if (!(PCIFR & 1 << A_FLAG)) {
        busy = 0;
    } else if (++busy == BUSY_LIMIT) {
        busy = 0;
        overspeed++;
    }
}

#if ENCODERS > 3
#if defined(__AVR_ATmega328P__)
ISR(PCINT0_vect)
#else
ISR_ALIAS(INT1_vect, INT0_vect);
ISR(INT0_vect)
#endif
{
    uint8_t now = B_NOW();
    if (now != b_was)
        take(3, b_was, now);
    b_was = now;
}
#endif

void encoders_init(void)
{
#if defined(__AVR_ATmega328P__)
    PORTD |= (uint8_t)(((1 << 2 * (ENCODERS > 3 ? 3 : ENCODERS)) - 1) << 2);
    PCMSK2 = (uint8_t)(((1 << 2 * (ENCODERS > 3 ? 3 : ENCODERS)) - 1) << 2);
    PCICR = 1 << PCIE2;
#if ENCODERS > 3
    PORTB |= 3;
    PCMSK0 = 3;
    PCICR |= 1 << PCIE0;
#endif
#else
    PORTB |= (uint8_t)(((1 << 2 * (ENCODERS > 3 ? 3 : ENCODERS)) - 1) << 1);
    PCMSK0 = (uint8_t)(((1 << 2 * (ENCODERS > 3 ? 3 : ENCODERS)) - 1) << 1);
    PCICR = 1 << PCIE0;
#if ENCODERS > 3
    PORTD |= 3;
    EICRA = 1 << ISC00 | 1 << ISC10; /* any edge */
    EIMSK = 1 << INT0 | 1 << INT1;
#endif
#endif
    for (volatile uint8_t settle = 0; settle < 50; settle++) /* pull-ups charge the wires */
        ;
    a_was = A_NOW();
    b_was = B_NOW();
}
#else
void encoders_init(void) {}
#endif

int16_t encoders_count(uint8_t n)
{
    int16_t value;
    ATOMIC_BLOCK(ATOMIC_RESTORESTATE) { value = count[n]; }
    return value;
}

uint16_t encoders_overspeed(void)
{
    uint16_t value;
    ATOMIC_BLOCK(ATOMIC_RESTORESTATE) { value = overspeed; }
    return value;
}
#endif

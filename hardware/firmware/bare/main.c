/* The handle without Arduino: serial port and clock of an ATmega328P or ATmega32U4 at 16 MHz. On the 32U4 the bytes go
   through USART1 (pins 0 and 1) to a USB adapter; the Arduino sketch uses its own USB instead. */
#include <avr/interrupt.h>
#include <avr/io.h>
#include <avr/sleep.h>

#include "../catheter_handle/src/avr/board.h"

#define BAUD_250000 (F_CPU / 16 / 250000 - 1)

#if defined(__AVR_ATmega328P__)
#define UDR UDR0
#define UBRR UBRR0
#define UCSRB UCSR0B
#define RXCIE RXCIE0
#define RXEN RXEN0
#define TXEN TXEN0
#define UDRIE UDRIE0
#define RX_VECTOR USART_RX_vect
#define TX_VECTOR USART_UDRE_vect
#else
#define UDR UDR1
#define UBRR UBRR1
#define UCSRB UCSR1B
#define RXCIE RXCIE1
#define RXEN RXEN1
#define TXEN TXEN1
#define UDRIE UDRIE1
#define RX_VECTOR USART1_RX_vect
#define TX_VECTOR USART1_UDRE_vect
#endif

static handle h;
static volatile uint8_t rx[64], rx_in;
static uint8_t rx_out;

ISR(RX_VECTOR)
{
    rx[rx_in % sizeof rx] = UDR;
    rx_in++;
}

ISR(TX_VECTOR)
{
    if (h.tx_in == h.tx_out) {
        UCSRB &= (uint8_t)~(1 << UDRIE);
        return;
    }
    UDR = h.tx[h.tx_out];
    h.tx_out++;
}

#define WAKE_EVERY 16 /* counts of 16 us: the loop runs at least every 0.25 ms */

ISR(TIMER0_COMPA_vect) { OCR0A = (uint8_t)(OCR0A + WAKE_EVERY); }

/* Ticks of 0.1 ms from an 8-bit timer that counts 16 us; call at least every 4 ms. */
static uint16_t clock_now(void)
{
    static uint8_t last, rest;
    static uint16_t ticks;
    uint8_t now = TCNT0;
    uint16_t quarter = (uint16_t)(rest + 4u * (uint8_t)(now - last)); /* of 4 us */
    last = now;
    ticks = (uint16_t)(ticks + quarter / 25);
    rest = (uint8_t)(quarter % 25);
    return ticks;
}

int main(void)
{
    handle_kind kind;
    handle_kept kept;
    TCCR0B = 1 << CS02;
    TIMSK0 = 1 << OCIE0A;
    set_sleep_mode(SLEEP_MODE_IDLE);
    UBRR = BAUD_250000;
    UCSRB = 1 << RXCIE | 1 << RXEN | 1 << TXEN;
    board_init();
    board_kind(&kind);
    kept_load(&kept);
    handle_init(&h, &kind, &kept, board_buttons());
    sei();
    for (;;) {
        uint16_t now = clock_now();
        while (rx_out != rx_in) {
            handle_receive(&h, rx[rx_out % sizeof rx]);
            rx_out++;
        }
        board_read(&h, now);
        handle_tick(&h, now);
        board_write(&h);
        if (h.tx_in != h.tx_out)
            UCSRB |= 1 << UDRIE;
        sleep_mode(); /* until an edge, a byte or the timer */
    }
}

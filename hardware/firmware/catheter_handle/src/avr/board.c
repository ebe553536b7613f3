/* Pins and sensors of the boards; the bare program and the Arduino sketch share it. */
#ifdef __AVR__
#include "board.h"

/* Buttons close to ground. In order: port letter and bit. */
#if defined(__AVR_ATmega328P__)
#if HANDLE_BUILD == TEN_MINUTES
#define BUTTONS(X) X(0, B, 0) /* D8 */
#elif HANDLE_BUILD == TABLE
#define BUTTONS(X) X(0, B, 0) X(1, B, 2) X(2, B, 3) X(3, B, 4) X(4, C, 3) /* D8, D10, D11, D12, A3 */
#else
#define BUTTONS(X) X(0, C, 0) X(1, C, 1) X(2, C, 2) X(3, C, 3) /* A0 to A3 */
#endif
#else
#if HANDLE_BUILD == TEN_MINUTES
#define BUTTONS(X) X(0, D, 4) /* D4 */
#elif HANDLE_BUILD == TABLE
#define BUTTONS(X) X(0, D, 4) X(1, D, 7) X(2, E, 6) X(3, F, 4) X(4, B, 7) /* D4, D6, D7, A3, D11 */
#else
#define BUTTONS(X) X(0, D, 4) X(1, D, 7) X(2, E, 6) X(3, C, 6) /* D4, D6, D7, D5 */
#endif
#endif

#define PULL_UP(n, port, bit) PORT##port |= 1 << bit;
#define IS_DOWN(n, port, bit) if (!(PIN##port & 1 << bit)) down |= 1u << n;

#ifdef WITH_ANALOG
/* Syringe, stick primary, stick secondary. 328P: A0, A1, A2. 32U4: A0 (ADC7), A1 (ADC6), A2 (ADC5). */
#if defined(__AVR_ATmega328P__)
static const uint8_t inputs[3] = {0, 1, 2};
#else
static const uint8_t inputs[3] = {7, 6, 5};
#endif
static uint8_t input;
static uint16_t middle[2];

static void begin_conversion(void)
{
    ADMUX = (uint8_t)(1 << REFS0 | inputs[input]);
    ADCSRA = 1 << ADEN | 1 << ADSC | 7; /* 125 kHz: 0.1 ms */
}

static uint16_t convert(uint8_t n)
{
    input = n;
    begin_conversion();
    while (ADCSRA & 1 << ADSC)
        ;
    return ADC;
}

static void read_analog(handle *h)
{
    if (ADCSRA & 1 << ADSC)
        return;
    uint16_t raw = ADC;
    if (input == 0)
        h->syringe = analog_settle(h->syringe, raw);
    else
        h->joystick[input - 1] = stick_value(raw, middle[input - 1]);
    input = (uint8_t)(input == 2 ? 0 : input + 1);
    begin_conversion();
}
#endif

#ifdef WITH_BRAKE
/* A model servo: 50 pulses a second of 1 to 2 ms. 328P: D9 (timer 1). 32U4: D5 (timer 3). */
#if defined(__AVR_ATmega328P__)
#define SERVO OCR1A
#else
#define SERVO OCR3A
#endif

static void brake_init(void)
{
#if defined(__AVR_ATmega328P__)
    TCCR1A = 1 << COM1A1 | 1 << WGM11;
    TCCR1B = 1 << WGM13 | 1 << WGM12 | 1 << CS11; /* 0.5 us */
    ICR1 = 39999;
    DDRB |= 1 << 1;
#else
    TCCR3A = 1 << COM3A1 | 1 << WGM31;
    TCCR3B = 1 << WGM33 | 1 << WGM32 | 1 << CS31;
    ICR3 = 39999;
    DDRC |= 1 << 6;
#endif
    SERVO = 2000;
}
#endif

void board_init(void)
{
    LAMP_DDR |= 1 << LAMP_BIT;
    BUTTONS(PULL_UP)
    encoders_init();
#ifdef WITH_ANALOG
    middle[0] = convert(1);
    middle[1] = convert(2);
    convert(0);
#endif
#ifdef WITH_ANGLES
    angles_init();
#endif
#ifdef WITH_MOTION
    motion_init();
#endif
#ifdef WITH_BRAKE
    brake_init();
#endif
}

void board_kind(handle_kind *kind)
{
    kind->capabilities = BOARD_CAN | BOARD_GAMEPAD;
    kind->channels = BOARD_CHANNELS;
    kind->buttons = BOARD_BUTTONS;
    kind->counts_per_100mm = COUNTS_PER_100MM;
    kind->counts_per_turn = COUNTS_PER_TURN;
    kind->period = 50;
}

uint16_t board_buttons(void)
{
    uint16_t down = 0;
    BUTTONS(IS_DOWN)
    return down;
}

#ifdef WITH_ANGLES
static void read_angle(handle *h)
{
    static uint8_t channel;
    int16_t angle = angles_read(channel);
    if (angle < 0)
        handle_fault(h);
    else
        handle_angle(h, (uint8_t)(2 * channel + 1), (uint16_t)angle);
    channel = (uint8_t)(channel + 1 == BOARD_CHANNELS ? 0 : channel + 1);
}
#endif

#ifdef WITH_MOTION
static void read_motion(handle *h)
{
    int8_t along, around;
    if (motion_read(&along, &around)) {
        handle_motion(h, 0, along);
        handle_motion(h, 1, around);
    } else {
        handle_fault(h);
    }
}
#endif

void board_read(handle *h, uint16_t now)
{
    static uint16_t sampled, sensed;
#if ENCODERS > 0
    static const uint8_t axes[ENCODERS_MAX] = ENCODER_AXES;
    for (uint8_t n = 0; n < ENCODERS; n++)
        handle_edges(h, axes[n], encoders_count(n));
    handle_overspeed(h, encoders_overspeed());
#endif
    if ((uint16_t)(now - sampled) >= MS(1)) {
        sampled = now;
        handle_buttons(h, board_buttons());
#ifdef WITH_ANALOG
        read_analog(h);
#endif
    }
    if ((uint16_t)(now - sensed) >= MS(2)) {
        sensed = now;
#ifdef WITH_ANGLES
        read_angle(h);
#endif
#ifdef WITH_MOTION
        read_motion(h);
#endif
    }
    (void)sensed;
}

void board_write(handle *h)
{
    static bool was_on;
    bool on = (h->lamps & 1) || (h->blinking && (h->now & 0x0400));
    if (on != was_on)
        LAMP_PORT ^= 1 << LAMP_BIT;
    was_on = on;
#ifdef WITH_BRAKE
    SERVO = (uint16_t)(2000 + 8 * (uint16_t)h->brake[0] - h->brake[0] / 8);
#endif
    kept_store(h);
}
#endif

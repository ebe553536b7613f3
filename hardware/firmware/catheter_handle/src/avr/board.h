/* The pins of each build on an ATmega328P (Uno, Nano) and an ATmega32U4 (Leonardo, Pro Micro). hardware/README.md has
   the same as tables and drawings. */
#ifndef HANDLE_BOARD_H
#define HANDLE_BOARD_H

#include <avr/io.h>
#include <stdbool.h>
#include <stdint.h>

#include "../../build.h"
#include "../handle.h"

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__AVR_ATmega328P__)
#define LAMP_DDR DDRB
#define LAMP_PORT PORTB
#define LAMP_BIT 5 /* D13 */
#elif defined(__AVR_ATmega32U4__)
#define LAMP_DDR DDRC
#define LAMP_PORT PORTC
#define LAMP_BIT 7 /* D13 */
#else
#error "this board is not known: ATmega328P and ATmega32U4 are"
#endif

#define ENCODERS_MAX 4
/* Encoders in the order of their pins, and the axis (0 slide 1, 1 roll 1, 2 slide 2, ...) of each. */
#if HANDLE_BUILD == TEN_MINUTES
#define ENCODERS 2
#define ENCODER_AXES {0, 1, 0, 0}
#define BOARD_BUTTONS 1
#define BOARD_CHANNELS 1
#define BOARD_CAN (CAN_SLIDE | CAN_ROLL | CAN_LIGHTS | CAN_STORE)
#elif HANDLE_BUILD == BOX
#define ENCODERS 4
#define ENCODER_AXES {0, 1, 2, 3}
#define BOARD_BUTTONS 4
#define BOARD_CHANNELS 2
#define BOARD_CAN (CAN_SLIDE | CAN_ROLL | CAN_LIGHTS | CAN_STORE)
#elif HANDLE_BUILD == TABLE
#define ENCODERS 3
#define ENCODER_AXES {0, 2, 4, 0}
#define BOARD_BUTTONS 5
#define BOARD_CHANNELS 3
#define BOARD_CAN (CAN_SLIDE | CAN_ROLL | CAN_SYRINGE | CAN_PEDALS | CAN_JOYSTICK | CAN_BRAKE | CAN_LIGHTS | CAN_STORE)
#define WITH_ANGLES 1
#define WITH_ANALOG 1
#define WITH_BRAKE 1
#elif HANDLE_BUILD == MOUSE
#define ENCODERS 0
#define ENCODER_AXES {0, 0, 0, 0}
#define BOARD_BUTTONS 4
#define BOARD_CHANNELS 1
#define BOARD_CAN (CAN_SLIDE | CAN_ROLL | CAN_LIGHTS | CAN_STORE)
#define WITH_MOTION 1
#else
#error "HANDLE_BUILD is 1 (TEN_MINUTES), 2 (BOX), 3 (TABLE) or 4 (MOUSE)"
#endif

#ifdef USBCON
#define BOARD_GAMEPAD CAN_GAMEPAD
#else
#define BOARD_GAMEPAD 0
#endif

/* Sets up pins; call once before anything else. */
void board_init(void);
/* What this board is. */
void board_kind(handle_kind *kind);
/* Buttons that are down, one bit each. */
uint16_t board_buttons(void);
/* Reads what is due and gives it to the handle. Never waits longer than 0.4 ms. */
void board_read(handle *h, uint16_t now);
/* Brake, lamp and memory. */
void board_write(handle *h);

/* encoders.c: free-running, wrapping counts by encoder, and steps too fast to be counted. */
void encoders_init(void);
int16_t encoders_count(uint8_t n);
uint16_t encoders_overspeed(void);

/* kept.c: id, name and number of starts in the EEPROM. */
void kept_load(handle_kept *kept);
void kept_store(handle *h); /* one byte a call, when the memory is ready; clears h->keep at the end */

/* angles.c: AS5600 behind a TCA9548A. 12 bits, or -1 when it does not answer. */
void angles_init(void);
int16_t angles_read(uint8_t channel);

/* motion.c: an ADNS-2610 class mouse sensor. */
void motion_init(void);
bool motion_read(int8_t *along, int8_t *around);

#ifdef __cplusplus
}
#endif
#endif

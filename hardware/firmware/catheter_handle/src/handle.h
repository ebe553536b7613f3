/* The handle without its pins: readings in, bytes out. The same code runs on the board, in the simulator and in
   tests on a computer. Times are ticks of 0.1 ms in 16 bits. */
#ifndef HANDLE_H
#define HANDLE_H

#include <stdbool.h>
#include <stdint.h>

#include "buttons.h"
#include "sensors.h"
#include "wire.h"

#ifdef __cplusplus
extern "C" {
#endif

#define HANDLE_PROTOCOL 1
#define HANDLE_MAJOR 1
#define HANDLE_MINOR 0
#define HANDLE_PATCH 0

#define HANDLE_AXES 6
#define HANDLE_CHANNELS 3
#define HANDLE_NAME 16

#define CAN_SLIDE 1
#define CAN_ROLL 2
#define CAN_SYRINGE 4
#define CAN_PEDALS 8
#define CAN_JOYSTICK 16
#define CAN_BRAKE 32
#define CAN_LIGHTS 64
#define CAN_GAMEPAD 128
#define CAN_STORE 256

#define MS(n) ((uint16_t)((n) * 10u))

enum {
    MSG_HELLO = 0x81, MSG_STATE, MSG_EVENTS, MSG_PONG, MSG_REPLY,
    MSG_IDENTIFY = 0xC1, MSG_ACKNOWLEDGE, MSG_ZERO, MSG_FORCE, MSG_LIGHTS, MSG_NAME
};
enum { RESULT_DONE, RESULT_UNKNOWN, RESULT_IMPOSSIBLE, RESULT_VERSION };
enum { MODE_QUIET, MODE_BINARY, MODE_TEXT };

/* What a board is; never changes while it runs. */
typedef struct {
    uint16_t capabilities;
    uint8_t channels;
    uint8_t buttons;
    uint16_t counts_per_100mm;
    uint16_t counts_per_turn;
    uint8_t period; /* ticks between States */
} handle_kind;

/* What the board keeps without power. */
typedef struct {
    uint32_t id;
    uint16_t boot;
    char name[HANDLE_NAME];
} handle_kept;

typedef struct {
    handle_kind kind;
    handle_kept kept;
    bool keep;              /* `kept` changed: the board shall store it and clear this */

    int32_t total[HANDLE_AXES];
    int32_t zero[HANDLE_AXES];
    int16_t edges_seen[HANDLE_AXES];
    angle_unwrap angle[HANDLE_AXES];
    uint16_t overspeed, overspeed_seen;
    uint16_t syringe;
    int8_t joystick[2];
    uint8_t refused, faults;
    buttons keys;

    uint8_t brake[HANDLE_CHANNELS]; /* outputs */
    uint8_t lamps;
    uint16_t blink_until;
    bool blinking;

    uint8_t mode, sequence;
    uint16_t now, state_at, host_at, line_at;
    uint16_t events_at; /* when the oldest edge was sent last, or the last acknowledgment helped */
    bool after_text;
    wire_reader reader;

    volatile uint8_t tx_in, tx_out; /* one writer, one reader; 256 bytes so that the indices wrap by themselves */
    uint8_t tx[256];
} handle;

void handle_init(handle *h, const handle_kind *kind, const handle_kept *kept, uint16_t held);

/* Readings. */
void handle_edges(handle *h, uint8_t axis, int16_t counted);    /* a free-running count of an encoder */
void handle_angle(handle *h, uint8_t axis, uint16_t raw);       /* an angle sensor, 12 bits */
void handle_motion(handle *h, uint8_t axis, int8_t delta);      /* an optical sensor since its last reading */
void handle_overspeed(handle *h, uint16_t counted);             /* free-running */
void handle_fault(handle *h);                                   /* a sensor did not answer */
static inline void handle_buttons(handle *h, uint16_t raw) { buttons_sample(&h->keys, raw, h->now); }

/* One byte from the host. */
void handle_receive(handle *h, uint8_t byte);

/* Call as often as possible; sends what is due. */
void handle_tick(handle *h, uint16_t now);

/* The next byte for the host, or -1. May be called from an interrupt. */
int16_t handle_next_byte(handle *h);

/* Also used by text.c. */
uint8_t handle_room(const handle *h);
void handle_put(handle *h, uint8_t byte);
void handle_set_zero(handle *h, uint8_t mask);
void handle_greet(handle *h);
void handle_line(handle *h, char *line);
void handle_text_state(handle *h);

#ifdef __cplusplus
}
#endif
#endif

/* Sixteen buttons debounced at once, and the queue of their edges. */
#ifndef HANDLE_BUTTONS_H
#define HANDLE_BUTTONS_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BUTTONS_DEAF_MS 5  /* after an accepted edge a button is deaf so long: contacts bounce 1 to 5 ms */
#define BUTTONS_QUEUE 32   /* a power of two */
#define BUTTON_DOWN 0x80

typedef struct {
    uint16_t time;
    uint8_t code; /* button, and BUTTON_DOWN */
} button_edge;

typedef struct {
    uint16_t held;           /* accepted state */
    uint16_t differed;       /* raw differed from it at the last sample */
    uint16_t deaf0, deaf1, deaf2; /* a three-bit counter of milliseconds for each button, one bit a word */
    uint16_t next;           /* number of the next edge */
    uint16_t oldest;         /* number of the oldest edge in the queue */
    uint16_t sent;           /* number of the oldest edge not sent yet */
    uint8_t lost;            /* edges dropped from a full queue */
    button_edge queue[BUTTONS_QUEUE];
} buttons;

/* Starts with what is down now, without edges. */
void buttons_init(buttons *b, uint16_t raw);

/* Call once a millisecond with one bit a button, 1 is down. An edge counts when two samples agree. */
void buttons_sample(buttons *b, uint16_t raw, uint16_t now);

/* All edges before `next` have arrived. Numbers that were never given are ignored. */
void buttons_acknowledge(buttons *b, uint16_t next);

static inline uint16_t buttons_waiting(const buttons *b) { return (uint16_t)(b->next - b->oldest); }
static inline const button_edge *buttons_edge(const buttons *b, uint16_t number)
{
    return &b->queue[number % BUTTONS_QUEUE];
}

#ifdef __cplusplus
}
#endif
#endif

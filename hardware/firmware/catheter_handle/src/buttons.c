#include "buttons.h"

void buttons_init(buttons *b, uint16_t raw)
{
    b->held = raw;
    b->differed = b->deaf0 = b->deaf1 = b->deaf2 = 0;
    b->next = b->oldest = b->sent = 0;
    b->lost = 0;
}

static void push(buttons *b, uint8_t code, uint16_t now)
{
    if (buttons_waiting(b) == BUTTONS_QUEUE) { /* the oldest goes: what is down now matters more */
        b->oldest++;
        b->lost++;
        if ((int16_t)(b->sent - b->oldest) < 0)
            b->sent = b->oldest;
    }
    button_edge *e = &b->queue[b->next % BUTTONS_QUEUE];
    e->time = now;
    e->code = code;
    b->next++;
}

void buttons_sample(buttons *b, uint16_t raw, uint16_t now)
{
    uint16_t deaf = b->deaf0 | b->deaf1 | b->deaf2;
    uint16_t differs = (uint16_t)(raw ^ b->held);
    uint16_t accepted = (uint16_t)(differs & b->differed & ~deaf);

    /* count down by one where it is not zero */
    uint16_t borrow0 = (uint16_t)(deaf & ~b->deaf0), borrow1 = (uint16_t)(borrow0 & ~b->deaf1);
    b->deaf0 ^= deaf;
    b->deaf1 ^= borrow0;
    b->deaf2 ^= borrow1;

    b->differed = differs;
    b->held ^= accepted;
    if (accepted == 0)
        return;
    b->deaf0 = (BUTTONS_DEAF_MS & 1) ? (b->deaf0 | accepted) : (uint16_t)(b->deaf0 & ~accepted);
    b->deaf1 = (BUTTONS_DEAF_MS & 2) ? (b->deaf1 | accepted) : (uint16_t)(b->deaf1 & ~accepted);
    b->deaf2 = (BUTTONS_DEAF_MS & 4) ? (b->deaf2 | accepted) : (uint16_t)(b->deaf2 & ~accepted);
    for (uint8_t n = 0; n < 16; n++) {
        uint16_t bit = (uint16_t)(1u << n);
        if (accepted & bit)
            push(b, (uint8_t)(n | ((b->held & bit) ? BUTTON_DOWN : 0)), now);
    }
}

void buttons_acknowledge(buttons *b, uint16_t next)
{
    if ((uint16_t)(next - b->oldest) > buttons_waiting(b))
        return;
    b->oldest = next;
    if ((int16_t)(b->sent - b->oldest) < 0)
        b->sent = b->oldest;
}

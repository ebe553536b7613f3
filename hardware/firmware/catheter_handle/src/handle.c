#include "handle.h"

#include <string.h>

#define QUIET_AFTER MS(2000)
#define BRAKE_OFF_AFTER MS(500)
#define REPEAT_EVENTS MS(25)
#define LINE_EVERY MS(100)
#define BLINK_FOR MS(2000)
#define EVENTS_IN_FRAME 4

void handle_init(handle *h, const handle_kind *kind, const handle_kept *kept, uint16_t held)
{
    memset(h, 0, sizeof *h);
    h->kind = *kind;
    h->kept = *kept;
    buttons_init(&h->keys, held);
    wire_reader_init(&h->reader);
    handle_greet(h);
}

/* ---- bytes out ---- */

uint8_t handle_room(const handle *h) { return (uint8_t)(h->tx_out - h->tx_in - 1); }

void handle_put(handle *h, uint8_t byte)
{
    h->tx[h->tx_in] = byte;
    h->tx_in = (uint8_t)(h->tx_in + 1); /* only now may the reader see it */
}

int16_t handle_next_byte(handle *h)
{
    if (h->tx_in == h->tx_out)
        return -1;
    uint8_t byte = h->tx[h->tx_out];
    h->tx_out = (uint8_t)(h->tx_out + 1);
    return byte;
}

/* A frame under construction: type, sequence, payload. */
typedef struct {
    uint8_t n;
    uint8_t bytes[WIRE_MAX_BODY];
} body;

static void add8(body *b, uint8_t v) { b->bytes[b->n++] = v; }
static void add16(body *b, uint16_t v) { add8(b, (uint8_t)v); add8(b, (uint8_t)(v >> 8)); }
static void add32(body *b, uint32_t v) { add16(b, (uint16_t)v); add16(b, (uint16_t)(v >> 16)); }

static void begin(const handle *h, body *b, uint8_t type)
{
    b->n = 0;
    add8(b, type);
    add8(b, h->sequence);
}

/* Whole frames or nothing: without room it is dropped, and its sequence number with it is not used. */
static bool send(handle *h, body *b)
{
    uint8_t out[WIRE_MAX_ENCODED];
    if (handle_room(h) < b->n + 6)
        return false;
    uint16_t crc = 0xFFFF;
    for (uint8_t i = 0; i < b->n; i++)
        crc = wire_crc(crc, b->bytes[i]);
    add16(b, crc);
    uint8_t n = wire_stuff(b->bytes, b->n, out);
    if (h->after_text) {
        handle_put(h, 0);
        h->after_text = false;
    }
    for (uint8_t i = 0; i < n; i++)
        handle_put(h, out[i]);
    handle_put(h, 0);
    h->sequence++;
    return true;
}

static void send_hello(handle *h)
{
    body b;
    begin(h, &b, MSG_HELLO);
    add8(&b, HANDLE_PROTOCOL);
    add8(&b, HANDLE_MAJOR);
    add8(&b, HANDLE_MINOR);
    add8(&b, HANDLE_PATCH);
    add16(&b, h->kind.capabilities);
    add8(&b, h->kind.channels);
    add8(&b, h->kind.buttons);
    add32(&b, h->kept.id);
    add16(&b, h->kept.boot);
    add16(&b, h->keys.oldest);
    add16(&b, h->kind.counts_per_100mm);
    add16(&b, h->kind.counts_per_turn);
    add8(&b, h->kind.period);
    for (uint8_t i = 0; i < HANDLE_NAME; i++)
        add8(&b, (uint8_t)h->kept.name[i]);
    send(h, &b);
}

static void send_state(handle *h)
{
    body b;
    begin(h, &b, MSG_STATE);
    add16(&b, h->now);
    for (uint8_t i = 0; i < HANDLE_AXES; i++)
        add32(&b, (uint32_t)h->total[i] - (uint32_t)h->zero[i]);
    add16(&b, h->syringe);
    add8(&b, (uint8_t)h->joystick[0]);
    add8(&b, (uint8_t)h->joystick[1]);
    add16(&b, h->keys.held);
    add16(&b, h->keys.next);
    add16(&b, h->overspeed);
    add8(&b, h->keys.lost);
    add8(&b, h->refused);
    add8(&b, h->faults);
    send(h, &b);
}

static void send_events(handle *h)
{
    body b;
    uint16_t first = h->keys.sent, left = (uint16_t)(h->keys.next - first);
    uint8_t n = left > EVENTS_IN_FRAME ? EVENTS_IN_FRAME : (uint8_t)left;
    begin(h, &b, MSG_EVENTS);
    add16(&b, first);
    add8(&b, n);
    for (uint8_t i = 0; i < EVENTS_IN_FRAME; i++) {
        const button_edge *e = buttons_edge(&h->keys, (uint16_t)(first + i));
        add16(&b, i < n ? e->time : 0);
        add8(&b, i < n ? e->code : 0);
    }
    if (send(h, &b)) {
        h->keys.sent = (uint16_t)(first + n);
        if (first == h->keys.oldest)
            h->events_at = h->now;
    }
}

static void reply(handle *h, uint8_t command, uint8_t token, uint8_t result)
{
    body b;
    begin(h, &b, MSG_REPLY);
    add8(&b, command);
    add8(&b, token);
    add8(&b, result);
    send(h, &b);
}

/* ---- readings ---- */

/* Unsigned sums wrap; signed ones must not. */
static void move(handle *h, uint8_t axis, int16_t by)
{
    h->total[axis] = (int32_t)((uint32_t)h->total[axis] + (uint32_t)(int32_t)by);
}

void handle_edges(handle *h, uint8_t axis, int16_t counted)
{
    move(h, axis, (int16_t)(uint16_t)((uint16_t)counted - (uint16_t)h->edges_seen[axis]));
    h->edges_seen[axis] = counted;
}

void handle_angle(handle *h, uint8_t axis, uint16_t raw)
{
    bool fast = false;
    move(h, axis, angle_step(&h->angle[axis], raw, &fast));
    if (fast)
        h->overspeed++;
}

void handle_motion(handle *h, uint8_t axis, int8_t delta)
{
    move(h, axis, delta);
    if (motion_cut_off(delta))
        h->overspeed++;
}

void handle_overspeed(handle *h, uint16_t counted)
{
    h->overspeed = (uint16_t)(h->overspeed + counted - h->overspeed_seen);
    h->overspeed_seen = counted;
}

void handle_fault(handle *h) { h->faults++; }

void handle_set_zero(handle *h, uint8_t mask)
{
    for (uint8_t i = 0; i < HANDLE_AXES; i++)
        if (mask & (1u << i))
            h->zero[i] = h->total[i];
}

/* ---- bytes in ---- */

static uint16_t get16(const uint8_t *p) { return (uint16_t)(p[0] | (uint16_t)p[1] << 8); }

static void identify(handle *h, const uint8_t *p)
{
    send_hello(h);
    if (p[0] != HANDLE_PROTOCOL) {
        reply(h, MSG_IDENTIFY, 0, RESULT_VERSION);
        return;
    }
    if (p[1] & 1) {
        h->blinking = true;
        h->blink_until = (uint16_t)(h->now + BLINK_FOR);
    }
    if (h->mode != MODE_BINARY)
        h->state_at = h->now;
    h->mode = MODE_BINARY;
    h->keys.sent = h->keys.oldest; /* a new host may have missed what another one got */
}

static void acknowledge(handle *h, const uint8_t *p)
{
    body b;
    uint16_t before = h->keys.oldest;
    buttons_acknowledge(&h->keys, get16(p));
    if (h->keys.oldest != before)
        h->events_at = h->now;
    begin(h, &b, MSG_PONG);
    add16(&b, get16(p + 2));
    add16(&b, h->now);
    send(h, &b);
}

static void set_force(handle *h, const uint8_t *p)
{
    if (h->kind.capabilities & CAN_BRAKE)
        memcpy(h->brake, p, HANDLE_CHANNELS);
}

static void set_name(handle *h, const uint8_t *p)
{
    if (!(h->kind.capabilities & CAN_STORE)) {
        reply(h, MSG_NAME, p[0], RESULT_IMPOSSIBLE);
        return;
    }
    h->kept.id = get16(p + 1) | (uint32_t)get16(p + 3) << 16;
    memcpy(h->kept.name, p + 5, HANDLE_NAME);
    h->keep = true;
    reply(h, MSG_NAME, p[0], RESULT_DONE);
}

static uint8_t length_of(uint8_t type)
{
    static const uint8_t lengths[] = {2, 4, 2, 3, 1, 5 + HANDLE_NAME};
    return lengths[type - MSG_IDENTIFY];
}

static void command(handle *h)
{
    const uint8_t type = h->reader.bytes[0], *p = h->reader.bytes + 2;
    if (type < MSG_IDENTIFY || type > MSG_NAME) {
        reply(h, type, 0, RESULT_UNKNOWN);
        return;
    }
    if (h->reader.length != 2 + length_of(type)) {
        h->refused++;
        return;
    }
    h->host_at = h->now;
    switch (type) {
    case MSG_IDENTIFY: identify(h, p); break;
    case MSG_ACKNOWLEDGE: acknowledge(h, p); break;
    case MSG_ZERO: handle_set_zero(h, p[0]); reply(h, type, p[1], RESULT_DONE); break;
    case MSG_FORCE: set_force(h, p); break;
    case MSG_LIGHTS: h->lamps = p[0]; break;
    default: set_name(h, p); break;
    }
}

void handle_receive(handle *h, uint8_t byte)
{
    switch (wire_read(&h->reader, byte)) {
    case WIRE_FRAME: command(h); break;
    case WIRE_LINE: handle_line(h, (char *)h->reader.bytes); break;
    case WIRE_REFUSED: h->refused++; break;
    case WIRE_NOTHING: break;
    }
}

/* ---- time ---- */

static void without_host(handle *h)
{
    uint16_t silent = (uint16_t)(h->now - h->host_at);
    if (silent >= BRAKE_OFF_AFTER)
        memset(h->brake, 0, sizeof h->brake);
    if (silent >= QUIET_AFTER) {
        h->mode = MODE_QUIET;
        h->lamps = 0;
    }
}

void handle_tick(handle *h, uint16_t now)
{
    h->now = now;
    if (h->blinking && (int16_t)(now - h->blink_until) >= 0)
        h->blinking = false;
    if (h->mode == MODE_BINARY) {
        without_host(h);
        if ((uint16_t)(now - h->state_at) >= h->kind.period) {
            h->state_at = (uint16_t)(h->state_at + h->kind.period);
            if ((uint16_t)(now - h->state_at) >= h->kind.period)
                h->state_at = now;
            send_state(h);
        }
        if (h->keys.sent != h->keys.oldest && (uint16_t)(now - h->events_at) >= REPEAT_EVENTS)
            h->keys.sent = h->keys.oldest; /* nobody acknowledged for long: all of them again */
        if (h->keys.sent != h->keys.next)
            send_events(h);
    } else if (h->mode == MODE_TEXT && (uint16_t)(now - h->line_at) >= LINE_EVERY) {
        h->line_at = now;
        handle_text_state(h);
    }
}

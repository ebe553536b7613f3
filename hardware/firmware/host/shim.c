/* The core for tests on a computer: plain functions around one handle. */
#include <string.h>

#include "../catheter_handle/src/handle.h"
#include "../catheter_handle/src/quadrature.h"

static handle h;

void shim_init(uint16_t can, uint8_t channels, uint8_t n_buttons, uint16_t per_100mm, uint16_t per_turn, uint8_t period,
               uint32_t id, uint16_t boot, const char *name)
{
    handle_kind kind = {can, channels, n_buttons, per_100mm, per_turn, period};
    handle_kept kept = {id, boot, {0}};
    memcpy(kept.name, name, HANDLE_NAME);
    handle_init(&h, &kind, &kept, 0);
}

void shim_receive(const uint8_t *bytes, int n)
{
    for (int i = 0; i < n; i++)
        handle_receive(&h, bytes[i]);
}

int shim_take(uint8_t *out, int most)
{
    int n = 0;
    for (int16_t byte; n < most && (byte = handle_next_byte(&h)) >= 0;)
        out[n++] = (uint8_t)byte;
    return n;
}

void shim_tick(uint16_t now) { handle_tick(&h, now); }
void shim_edges(uint8_t axis, int16_t counted) { handle_edges(&h, axis, counted); }
void shim_angle(uint8_t axis, uint16_t raw) { handle_angle(&h, axis, raw); }
void shim_motion(uint8_t axis, int8_t delta) { handle_motion(&h, axis, delta); }
void shim_overspeed(uint16_t counted) { handle_overspeed(&h, counted); }
void shim_fault(void) { handle_fault(&h); }
void shim_buttons(uint16_t raw) { handle_buttons(&h, raw); }
void shim_analog(uint16_t syringe, int8_t first, int8_t second)
{
    h.syringe = analog_settle(h.syringe, syringe);
    h.joystick[0] = first;
    h.joystick[1] = second;
}
void shim_force_state(const int32_t *counts, uint16_t held, uint16_t next, uint8_t lost, uint8_t refused, uint8_t faults,
                      uint8_t sequence)
{
    for (int i = 0; i < HANDLE_AXES; i++) {
        h.total[i] = counts[i];
        h.zero[i] = 0;
    }
    h.keys.held = held;
    h.keys.next = h.keys.sent = h.keys.oldest = next;
    h.keys.lost = lost;
    h.refused = refused;
    h.faults = faults;
    h.sequence = sequence;
}
void shim_push_edges(uint16_t first, uint8_t n, const uint16_t *times, const uint8_t *codes, uint8_t sequence)
{
    h.keys.next = h.keys.sent = h.keys.oldest = first;
    for (uint8_t i = 0; i < n; i++) {
        button_edge e = {times[i], codes[i]};
        h.keys.queue[h.keys.next++ % BUTTONS_QUEUE] = e;
    }
    h.sequence = sequence;
}
int shim_brake(uint8_t channel) { return h.brake[channel]; }
int shim_lamps(void) { return h.lamps; }
int shim_blinking(void) { return h.blinking; }
int shim_mode(void) { return h.mode; }
int shim_refused(void) { return h.refused; }
uint32_t shim_id(void) { return h.kept.id; }
void shim_name(char *out) { memcpy(out, h.kept.name, HANDLE_NAME); }
int shim_keep(void) { return h.keep; }
int shim_stuff(const uint8_t *in, uint8_t n, uint8_t *out) { return wire_stuff(in, n, out); }
int shim_crc(const uint8_t *in, int n)
{
    uint16_t crc = 0xFFFF;
    for (int i = 0; i < n; i++)
        crc = wire_crc(crc, in[i]);
    return crc;
}
int shim_quadrature(uint8_t was, uint8_t now) { return quadrature_step(was, now); }

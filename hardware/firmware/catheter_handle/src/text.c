/* The mode for people: lines to type into a serial monitor, and lines to read. */
#include "handle.h"

#include <string.h>

#define LINE_ROOM 140

static void say(handle *h, const char *text)
{
    while (*text)
        handle_put(h, (uint8_t)*text++);
    h->after_text = true;
}

static void say_number(handle *h, int32_t value)
{
    char digits[11];
    uint8_t n = 0;
    uint32_t left = value < 0 ? 0u - (uint32_t)value : (uint32_t)value;
    do {
        digits[n++] = (char)('0' + left % 10);
        left /= 10;
    } while (left);
    if (value < 0)
        handle_put(h, '-');
    while (n)
        handle_put(h, (uint8_t)digits[--n]);
}

static void say_hex(handle *h, uint16_t value)
{
    for (int8_t shift = 12; shift >= 0; shift = (int8_t)(shift - 4)) {
        uint8_t d = (uint8_t)(value >> shift & 15);
        handle_put(h, (uint8_t)(d < 10 ? '0' + d : 'A' + d - 10));
    }
}

static void field(handle *h, const char *name, int32_t value)
{
    say(h, name);
    say_number(h, value);
}

static void say_name(handle *h)
{
    for (uint8_t i = 0; i < HANDLE_NAME && h->kept.name[i]; i++)
        handle_put(h, (uint8_t)h->kept.name[i]);
}

void handle_greet(handle *h)
{
    say(h, "catheter handle, type ? for help\r\n");
}

static void who(handle *h)
{
    say_name(h);
    field(h, ", firmware ", HANDLE_MAJOR);
    field(h, ".", HANDLE_MINOR);
    field(h, ".", HANDLE_PATCH);
    field(h, ", protocol ", HANDLE_PROTOCOL);
    field(h, ", channels ", h->kind.channels);
    field(h, ", buttons ", h->kind.buttons);
    say(h, "\r\n");
}

static bool wide_enough(int32_t value) { return value > 99999999 || value < -9999999; }

void handle_text_state(handle *h)
{
    static const char *const names[HANDLE_AXES] = {" S1 ", " R1 ", " S2 ", " R2 ", " S3 ", " R3 "};
    uint8_t need = LINE_ROOM;
    for (uint8_t i = 0; i < HANDLE_AXES; i++)
        if (wide_enough((int32_t)((uint32_t)h->total[i] - (uint32_t)h->zero[i])))
            need = (uint8_t)(need + 4);
    if (handle_room(h) < need)
        return;
    field(h, "T ", h->now);
    for (uint8_t i = 0; i < HANDLE_AXES; i++)
        field(h, names[i], (int32_t)((uint32_t)h->total[i] - (uint32_t)h->zero[i]));
    field(h, " SY ", h->syringe);
    field(h, " J ", h->joystick[0]);
    field(h, " ", h->joystick[1]);
    say(h, " B ");
    say_hex(h, h->keys.held);
    field(h, " E ", h->keys.next);
    field(h, " O ", h->overspeed);
    field(h, " L ", h->keys.lost);
    field(h, " F ", h->faults);
    say(h, "\r\n");
}

/* The number at *at, which is moved behind it; false when there is none up to 255. */
static bool number(const char **at, uint8_t *value)
{
    uint16_t v = 0;
    const char *p = *at;
    while (*p == ' ')
        p++;
    if (*p < '0' || *p > '9')
        return false;
    while (*p >= '0' && *p <= '9') {
        v = (uint16_t)(v * 10 + (uint16_t)(*p++ - '0'));
        if (v > 255)
            return false;
    }
    *at = p;
    *value = (uint8_t)v;
    return true;
}

static bool brake(handle *h, const char *rest)
{
    uint8_t channel, level;
    if (!number(&rest, &channel) || !number(&rest, &level) || channel < 1 || channel > HANDLE_CHANNELS)
        return false;
    h->brake[channel - 1] = level;
    return true;
}

static bool lamps(handle *h, const char *rest) { return number(&rest, &h->lamps); }

static bool name(handle *h, const char *rest)
{
    uint8_t n = 0;
    while (*rest == ' ')
        rest++;
    while (rest[n])
        n++;
    if (n < 1 || n > HANDLE_NAME || !(h->kind.capabilities & CAN_STORE))
        return false;
    memset(h->kept.name, 0, HANDLE_NAME);
    memcpy(h->kept.name, rest, n);
    h->keep = true;
    return true;
}

void handle_line(handle *h, char *line)
{
    bool known = true;
    const char *rest = line + 1;
    if (handle_room(h) < LINE_ROOM)
        return;
    if (*line != 'b' && *line != 'l' && *line != 'n' && *rest)
        known = false;
    else switch (*line) {
    case '?': say(h, "i who  t stream  q quiet  z zero  b CHANNEL LEVEL  l LAMPS  n NAME\r\n"); return;
    case 'i': who(h); return;
    case 't': h->mode = MODE_TEXT; h->line_at = h->now; return;
    case 'q': h->mode = MODE_QUIET; memset(h->brake, 0, sizeof h->brake); break;
    case 'z': handle_set_zero(h, 0x3F); break;
    case 'b': known = brake(h, rest); break;
    case 'l': known = lamps(h, rest); break;
    case 'n': known = name(h, rest); break;
    default: known = false;
    }
    say(h, known ? "ok\r\n" : "no such command; type ? for help\r\n");
}

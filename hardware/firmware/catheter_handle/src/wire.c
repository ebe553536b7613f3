#include "wire.h"

uint16_t wire_crc(uint16_t crc, uint8_t byte)
{
    /* four bits at a time without a table: x^16 + x^12 + x^5 + 1 */
    uint8_t x = (uint8_t)((crc >> 8) ^ byte);
    x ^= (uint8_t)(x >> 4);
    return (uint16_t)((crc << 8) ^ ((uint16_t)x << 12) ^ ((uint16_t)x << 5) ^ x);
}

uint8_t wire_stuff(const uint8_t *in, uint8_t n, uint8_t *out)
{
    uint8_t code_at = 0, at = 1;
    for (uint8_t i = 0; i < n; i++) {
        if (in[i] != 0) {
            out[at++] = in[i];
            continue;
        }
        out[code_at] = (uint8_t)(at - code_at);
        code_at = at++;
    }
    out[code_at] = (uint8_t)(at - code_at);
    return at;
}

uint8_t wire_unstuff(uint8_t *bytes, uint8_t n)
{
    uint8_t from = 0, to = 0;
    while (from < n) {
        uint8_t code = bytes[from];
        if (code == 0 || code > (uint8_t)(n - from))
            return 0;
        for (uint8_t i = 1; i < code; i++)
            bytes[to++] = bytes[from + i];
        from = (uint8_t)(from + code);
        if (from < n)
            bytes[to++] = 0;
    }
    return to;
}

void wire_reader_init(wire_reader *r)
{
    r->length = 0;
    r->skipping = false;
    r->plain = true;
    r->done = false;
}

static void begin(wire_reader *r)
{
    r->length = 0;
    r->plain = true;
    r->done = false;
}

static wire_event close_frame(wire_reader *r)
{
    if (r->skipping) {
        r->skipping = false;
        begin(r);
        return WIRE_NOTHING;
    }
    if (r->length == 0)
        return WIRE_NOTHING;
    r->done = true;
    if (r->plain) /* an unfinished line is no damage */
        return WIRE_NOTHING;
    uint8_t n = wire_unstuff(r->bytes, r->length);
    if (n < 4 || r->bytes[0] < 0x80)
        return WIRE_REFUSED;
    uint16_t crc = 0xFFFF;
    for (uint8_t i = 0; i < n - 2; i++)
        crc = wire_crc(crc, r->bytes[i]);
    if (r->bytes[n - 2] != (uint8_t)crc || r->bytes[n - 1] != (uint8_t)(crc >> 8))
        return WIRE_REFUSED;
    r->length = (uint8_t)(n - 2);
    return WIRE_FRAME;
}

static bool is_end(uint8_t byte) { return byte == '\n' || byte == '\r'; }

/* The first byte of a frame may have the value of a line's end, so one that comes first is kept until more is known. */
static wire_event close_line(wire_reader *r, uint8_t end)
{
    uint8_t skip = is_end(r->bytes[0]);
    if (r->length == skip) { /* an empty line */
        r->bytes[0] = end;
        return WIRE_NOTHING;
    }
    for (uint8_t i = skip; i < r->length; i++)
        r->bytes[i - skip] = r->bytes[i];
    r->length = (uint8_t)(r->length - skip);
    r->bytes[r->length] = 0;
    r->done = true;
    return WIRE_LINE;
}

wire_event wire_read(wire_reader *r, uint8_t byte)
{
    if (r->done)
        begin(r);
    if (byte == 0)
        return close_frame(r);
    if (r->skipping)
        return WIRE_NOTHING;
    if (r->plain && is_end(byte) && r->length > 0)
        return close_line(r, byte);
    if (r->length >= WIRE_MAX_ENCODED) {
        r->skipping = true;
        return WIRE_REFUSED;
    }
    if ((byte < 0x20 || byte > 0x7E) && !(is_end(byte) && r->length == 0))
        r->plain = false;
    r->bytes[r->length++] = byte;
    return WIRE_NOTHING;
}

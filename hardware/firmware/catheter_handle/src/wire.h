/* Frames on the wire: COBS between zero bytes, CRC-16 inside. See hardware/PROTOCOL.md. No heap, no libraries. */
#ifndef HANDLE_WIRE_H
#define HANDLE_WIRE_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WIRE_MAX_PAYLOAD 64
#define WIRE_MAX_BODY (2 + WIRE_MAX_PAYLOAD + 2)
#define WIRE_MAX_ENCODED (1 + WIRE_MAX_BODY)

/* CRC-16/CCITT-FALSE of one more byte; start with 0xFFFF. */
uint16_t wire_crc(uint16_t crc, uint8_t byte);

/* Stuffs n <= WIRE_MAX_BODY bytes into out (n + 1 bytes); gives the length. */
uint8_t wire_stuff(const uint8_t *in, uint8_t n, uint8_t *out);

/* Undoes it in place; gives the length, or 0 when the bytes are not stuffed as they should be. */
uint8_t wire_unstuff(uint8_t *bytes, uint8_t n);

/* What a received byte completed. */
typedef enum { WIRE_NOTHING, WIRE_FRAME, WIRE_LINE, WIRE_REFUSED } wire_event;

typedef struct {
    uint8_t bytes[WIRE_MAX_ENCODED + 1]; /* after WIRE_FRAME: type, sequence, payload; after WIRE_LINE: the text */
    uint8_t length;                      /* of what is in bytes */
    bool skipping;                       /* too long: wait for the next zero */
    bool plain;                          /* only printable bytes so far */
    bool done;                           /* the next byte begins anew */
} wire_reader;

void wire_reader_init(wire_reader *r);

/* One received byte. A frame's length in r->length has lost its checksum; a line is closed by a zero byte. */
wire_event wire_read(wire_reader *r, uint8_t byte);

#ifdef __cplusplus
}
#endif
#endif

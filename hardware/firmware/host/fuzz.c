/* Arbitrary bytes from the host, arbitrary readings and times, against the core: with clang's fuzzer (make fuzz), or
   from a file (make replay, gcc's sanitizers). Aborts when a promise is broken. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../catheter_handle/src/handle.h"

static void must(int holds)
{
    if (!holds)
        abort();
}

/* Everything the handle says in binary is a sound frame of a known length, and what is said fits its ring. */
static void drain(handle *h, wire_reader *reader)
{
    int16_t byte;
    while ((byte = handle_next_byte(h)) >= 0) {
        wire_event event = wire_read(reader, (uint8_t)byte);
        if (event == WIRE_FRAME) {
            static const uint8_t lengths[] = {37, 39, 15, 4, 3};
            uint8_t type = reader->bytes[0];
            must(type >= MSG_HELLO && type <= MSG_REPLY);
            must(reader->length == 2 + lengths[type - MSG_HELLO]);
        }
        must(event != WIRE_REFUSED || reader->plain); /* lines for people may be longer than frames */
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static handle h;
    static wire_reader reader;
    const handle_kind kind = {CAN_SLIDE | CAN_ROLL | CAN_BRAKE | CAN_STORE, 3, 16, 6366, 2400, 50};
    const handle_kept kept = {0, 1, "fuzzed"};
    uint16_t now = 0;
    wire_reader_init(&reader);
    handle_init(&h, &kind, &kept, 0);
    drain(&h, &reader);
    for (size_t i = 0; i < size; i++) {
        /* most bytes go to the serial port; 0xA5 begins a reading instead */
        if (data[i] == 0xA5 && i + 3 < size) {
            uint16_t value = (uint16_t)(data[i + 2] | data[i + 3] << 8);
            uint8_t axis = (uint8_t)(data[i + 1] >> 3 & 3);
            switch (data[i + 1] & 7) {
            case 0: handle_edges(&h, axis, (int16_t)value); break;
            case 1: handle_angle(&h, axis, value); break;
            case 2: handle_motion(&h, axis, (int8_t)value); break;
            case 3: handle_buttons(&h, value); break;
            case 4: handle_overspeed(&h, value); break;
            case 5: h.syringe = analog_settle(h.syringe, value & 1023); break;
            default: now = (uint16_t)(now + value % 2000); handle_tick(&h, now); break;
            }
            i += 3;
        } else {
            handle_receive(&h, data[i]);
        }
        must(buttons_waiting(&h.keys) <= BUTTONS_QUEUE);
        must((uint16_t)(h.keys.sent - h.keys.oldest) <= buttons_waiting(&h.keys));
        must(h.reader.length <= WIRE_MAX_ENCODED + 1);
        if (data[i] & 1)
            drain(&h, &reader);
    }
    drain(&h, &reader);
    return 0;
}

#ifdef REPLAY
int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        FILE *file = fopen(argv[i], "rb");
        if (file == NULL)
            return 2;
        uint8_t *data = malloc(1 << 20);
        size_t n = fread(data, 1, 1 << 20, file);
        fclose(file);
        /* pieces, as a fuzzer would give them */
        for (size_t at = 0; at < n; at += 4096)
            LLVMFuzzerTestOneInput(data + at, n - at < 4096 ? n - at : 4096);
        free(data);
    }
    return 0;
}
#endif

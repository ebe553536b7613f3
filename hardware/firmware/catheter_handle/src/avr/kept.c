/* Id, name and number of starts in the EEPROM. */
#ifdef __AVR__
#include <avr/eeprom.h>
#include <string.h>

#include "board.h"

#define MAGIC 0x4831 /* "H1" */

typedef struct {
    uint16_t magic;
    handle_kept kept;
} stored;

static const char default_name[HANDLE_NAME] = "catheter handle";

void kept_load(handle_kept *kept)
{
    stored s;
    eeprom_read_block(&s, (const void *)0, sizeof s);
    if (s.magic != MAGIC) {
        memset(&s, 0, sizeof s);
        s.magic = MAGIC;
        memcpy(s.kept.name, default_name, HANDLE_NAME);
    }
    s.kept.boot++;
    eeprom_update_block(&s, (void *)0, sizeof s);
    *kept = s.kept;
}

void kept_store(handle *h)
{
    static uint8_t at;
    if (!h->keep || !eeprom_is_ready())
        return;
    eeprom_update_byte((uint8_t *)(uintptr_t)(sizeof(uint16_t) + at), ((const uint8_t *)&h->kept)[at]);
    if (++at == sizeof h->kept) {
        at = 0;
        h->keep = false;
    }
}
#endif

// The handle as an Arduino sketch, for boards with an ATmega328P (Uno, Nano) or ATmega32U4 (Leonardo, Pro Micro).
// Choose what you built in build.h, choose your board in the menu, upload. In the serial monitor (250000 baud,
// newline) type ? and Enter. The protocol is in hardware/PROTOCOL.md.

#include "build.h"
#include "src/handle.h"
#include "src/avr/board.h"

#ifdef USBCON
#include "gamepad.h"
#endif

static handle h;

// Ticks of 0.1 ms. micros() wraps at a number that is no multiple of a tick, so only differences are used.
static uint16_t clock_now() {
  static uint32_t last, rest;
  static uint16_t ticks;
  uint32_t now = micros();
  rest += now - last;
  last = now;
  while (rest >= 100) {
    rest -= 100;
    ticks++;
  }
  return ticks;
}

void setup() {
  handle_kind kind;
  handle_kept kept;
  Serial.begin(250000);
  board_init();
  board_kind(&kind);
  kept_load(&kept);
  handle_init(&h, &kind, &kept, board_buttons());
}

void loop() {
  uint16_t now = clock_now();
  while (Serial.available() > 0)
    handle_receive(&h, (uint8_t)Serial.read());
  board_read(&h, now);
  handle_tick(&h, now);
  board_write(&h);
  int16_t byte;
  for (int room = Serial.availableForWrite(); room > 0 && (byte = handle_next_byte(&h)) >= 0; room--)
    Serial.write((uint8_t)byte);
#ifdef USBCON
  gamepad_report(&h, now);
#endif
}

// A 32U4 also appears as a USB gamepad, so that a system without the serial protocol sees the handle. Axes of a gamepad
// end somewhere and counts do not, so slides and rolls are sent as speeds: counts in the last 8 ms, -127 to 127.
#ifndef HANDLE_GAMEPAD_H
#define HANDLE_GAMEPAD_H

#include <HID.h>

#include "src/handle.h"

#define GAMEPAD_ID 3
#define GAMEPAD_EVERY MS(8)

static const uint8_t gamepad_descriptor[] PROGMEM = {
    0x05, 0x01,              // usage page: generic desktop
    0x09, 0x05,              // usage: game pad
    0xA1, 0x01,              // collection: application
    0x85, GAMEPAD_ID,        //   report id
    0x05, 0x09,              //   usage page: buttons
    0x19, 0x01, 0x29, 0x10,  //   1 to 16
    0x15, 0x00, 0x25, 0x01,  //   0 or 1
    0x75, 0x01, 0x95, 0x10,  //   16 of 1 bit
    0x81, 0x02,              //   input, variable, absolute
    0x05, 0x01,              //   usage page: generic desktop
    0x09, 0x30, 0x09, 0x31,  //   X, Y: slide and roll of channel 1
    0x09, 0x32, 0x09, 0x33,  //   Z, Rx: of channel 2
    0x09, 0x34, 0x09, 0x35,  //   Ry, Rz: of channel 3
    0x15, 0x81, 0x25, 0x7F,  //   -127 to 127
    0x75, 0x08, 0x95, 0x06,  //   6 of 8 bits
    0x81, 0x02,              //   input, variable, absolute
    0xC0,                    // end
};

struct GamepadNode {
  HIDSubDescriptor node;
  GamepadNode() : node(gamepad_descriptor, sizeof gamepad_descriptor) { HID().AppendDescriptor(&node); }
};
static GamepadNode gamepad_node;

static inline void gamepad_report(const handle *h, uint16_t now) {
  static uint16_t at;
  static int32_t before[HANDLE_AXES];
  if ((uint16_t)(now - at) < GAMEPAD_EVERY)
    return;
  at = now;
  uint8_t report[2 + HANDLE_AXES] = {(uint8_t)h->keys.held, (uint8_t)(h->keys.held >> 8)};
  for (uint8_t i = 0; i < HANDLE_AXES; i++) {
    int32_t speed = (int32_t)((uint32_t)h->total[i] - (uint32_t)before[i]);
    before[i] = h->total[i];
    report[2 + i] = (uint8_t)(int8_t)(speed > 127 ? 127 : speed < -127 ? -127 : speed);
  }
  HID().SendReport(GAMEPAD_ID, report, sizeof report);
}
#endif

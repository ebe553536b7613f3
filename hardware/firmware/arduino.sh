#!/usr/bin/env bash
# Compiles the sketch as the Arduino program does, with plain avr-gcc.
#   arduino.sh CORE_FOLDER OUT.elf MCU "SKETCH FLAGS" "LIBRARY FLAGS"
set -euo pipefail
core=$1 out=$2
board=(-mmcu="$3")
case $3 in
  atmega32u4) board+=(-I"$1/variants/leonardo" -DUSB_VID=0x2341 -DUSB_PID=0x8036
    '-DUSB_MANUFACTURER="Unknown"' '-DUSB_PRODUCT="catheter handle"') ;;
  *) board+=(-I"$1/variants/standard") ;;
esac
read -ra sketch_flags <<<"$4"
read -ra lib_flags <<<"$5"
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
include=(-I"$core/cores/arduino" -I"$core/libraries/HID/src")

objects=()
for file in "$core"/cores/arduino/*.c "$core"/cores/arduino/*.cpp "$core"/cores/arduino/*.S; do
  case $file in */WString.cpp) continue ;; esac
  objects+=("$work/core-$(basename "$file").o")
  case $file in
    *.cpp) avr-g++ -std=gnu++11 -fno-exceptions -fno-threadsafe-statics "${board[@]}" "${lib_flags[@]}" "${include[@]}" -c "$file" -o "${objects[-1]}" ;;
    *) avr-gcc "${board[@]}" "${lib_flags[@]}" "${include[@]}" -c "$file" -o "${objects[-1]}" ;;
  esac
done
case $3 in *32u4*)
  objects+=("$work/HID.o")
  avr-g++ -std=gnu++11 -fno-exceptions -fno-threadsafe-statics "${board[@]}" "${lib_flags[@]}" "${include[@]}" -c "$core/libraries/HID/src/HID.cpp" -o "$work/HID.o" ;;
esac
avr-ar rcs "$work/core.a" "${objects[@]}"

own=("$work/sketch.o")
avr-g++ -x c++ -include Arduino.h -std=gnu++11 -fno-exceptions -fno-threadsafe-statics "${board[@]}" "${sketch_flags[@]}" "${include[@]}" \
  -c "$here/catheter_handle/catheter_handle.ino" -o "$work/sketch.o"
for file in "$here"/catheter_handle/src/*.c "$here"/catheter_handle/src/avr/*.c; do
  own+=("$work/own-$(basename "$file").o")
  avr-gcc -std=gnu11 "${board[@]}" "${sketch_flags[@]}" "${include[@]}" -c "$file" -o "${own[-1]}"
done
mkdir -p "$(dirname "$out")"
avr-gcc "${board[@]}" -Os -Wl,--gc-sections -o "$out" "${own[@]}" "$work/core.a" -lm

"""Names of keys by place. Scancodes are USB HID usage numbers (Usage Tables 1.5, page 0x07), as in SDL."""

from __future__ import annotations

import string

SCANCODES: dict[str, int] = {
    **{letter: 4 + i for i, letter in enumerate(string.ascii_lowercase)},
    **{digit: 30 + i for i, digit in enumerate("1234567890")},
    "enter": 40, "escape": 41, "backspace": 42, "tab": 43, "space": 44,
    "minus": 45, "equals": 46, "[": 47, "]": 48, "backslash": 49, "nonus_hash": 50,
    ";": 51, "'": 52, "grave": 53, ",": 54, ".": 55, "slash": 56, "capslock": 57,
    **{f"f{i}": 57 + i for i in range(1, 13)},
    "insert": 73, "home": 74, "pageup": 75, "delete": 76, "end": 77, "pagedown": 78,
    "right": 79, "left": 80, "down": 81, "up": 82,
    "kp_divide": 84, "kp_multiply": 85, "kp_minus": 86, "kp_plus": 87, "kp_enter": 88,
    **{f"kp_{digit}": 89 + i for i, digit in enumerate("1234567890")},
    "kp_period": 99, "nonus_backslash": 100,
    "ctrl": 224, "shift": 225, "alt": 226, "super": 227,
    "right_ctrl": 228, "right_shift": 229, "right_alt": 230, "right_super": 231,
}  # fmt: skip
NAMES: dict[int, str] = {code: name for name, code in SCANCODES.items()}

_TWINS = {228: 224, 229: 225, 230: 226, 231: 227, 88: 40, 87: 46, 86: 45}
"""Keys that do the same wherever they sit: right modifiers and the keypad's enter, plus and minus."""

_LABELS = {
    "enter": "Enter", "escape": "Esc", "backspace": "Backspace", "tab": "Tab", "space": "Space",
    "minus": "-", "equals": "+", "backslash": "\\", "grave": "`", "slash": "/", "capslock": "Caps",
    "insert": "Ins", "home": "Home", "pageup": "PgUp", "delete": "Del", "end": "End", "pagedown": "PgDn",
    "right": "→", "left": "←", "down": "↓", "up": "↑", "ctrl": "Ctrl", "shift": "Shift", "alt": "Alt",
}  # fmt: skip


def plain(scancode: int) -> int:
    """The scancode of the key's twin, so that left and right Shift are one key."""
    return _TWINS.get(scancode, scancode)


def label(name: str) -> str:
    """What is printed on the key."""
    if name.startswith("kp_"):
        return f"Num {label(name[3:])}"
    return _LABELS.get(name, name.upper() if len(name) < 4 else name)


def chord_label(chord: str) -> str:
    """`alt+left` as `Alt+←`."""
    return "+".join(label(part) for part in chord.split("+"))

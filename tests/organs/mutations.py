"""Damage done to files on purpose, the same every time."""

from __future__ import annotations

import io
import random
import zipfile

_MAGIC = {"zip": b"PK\x03\x04"}


def mutated(data: bytes, seed: int) -> bytes:
    """The file damaged in one of several ways. What is packed in a zip is damaged inside it every other time, where
    the damage is not caught by a checksum."""
    dice = random.Random(seed)
    if seed % 2 and data.startswith(_MAGIC["zip"]):
        return _inside(data, dice)
    return _damaged(data, dice)


def _inside(data: bytes, dice: random.Random) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = [(info, archive.read(info)) for info in archive.infolist()]
    chosen = dice.randrange(len(members))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for number, (info, body) in enumerate(members):
            archive.writestr(info, _damaged(body, dice) if number == chosen else body, info.compress_type)
    return out.getvalue()


def _damaged(data: bytes, dice: random.Random) -> bytes:
    if not data:
        return b"\x00"
    size, at = len(data), dice.randrange(len(data))
    span = dice.randrange(1, max(2, min(size, 4096)))
    match dice.randrange(7):
        case 0:  # single bits
            changed = bytearray(data)
            for _ in range(dice.randrange(1, 32)):
                changed[dice.randrange(size)] ^= 1 << dice.randrange(8)
            return bytes(changed)
        case 1:  # cut off
            return data[: max(1, at)]
        case 2:  # a hole
            return data[:at] + data[at + span :]
        case 3:  # zeros
            return data[:at] + bytes(len(data[at : at + span])) + data[at + span :]
        case 4:  # noise
            return data[:at] + dice.randbytes(span) + data[at + span :]
        case 5:  # a piece twice, or many times
            return data[:at] + data[at : at + span] * dice.choice((2, 3, 200)) + data[at + span :]
        case _:  # a number that is far too large
            digits = [place for place in range(size) if 0x30 <= data[place] <= 0x39]
            if not digits:
                return data[:at] + b"\xff" * 8 + data[at + 8 :]
            place = dice.choice(digits)
            return data[:place] + b"99999999999" + data[place + 1 :]

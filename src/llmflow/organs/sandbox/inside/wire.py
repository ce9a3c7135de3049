"""How the two sides of the wall speak: see `zygote` and `call`."""

from __future__ import annotations

import struct

READY = b"ready"  # the zygote's first word on the control socket
LENGTH = struct.Struct("<I")  # of a request, before it
TRAILER = struct.Struct("<ii")  # after an answer: exit code (negative: the signal), and why it ended
BY_ITSELF, TOO_LATE, NOT_STARTED = 0, 1, 2

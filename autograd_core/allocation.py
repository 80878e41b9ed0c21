"""Memory that is freed is kept for what comes next, rather than given back and asked for again.

The C library hands large blocks back to the system as soon as they are free, and the next array of the
same size then costs a page fault for every 4 KiB: of a training step of a convolutional network that
was a third. glibc learns from what it sees: once a block just below 32 MiB was freed, smaller ones come
from its heap, of which it keeps up to twice as much. It is shown one, which nobody writes to. Other
C libraries, and a user's own settings of glibc (``MALLOC_TRIM_THRESHOLD_`` and its like), are left alone.
"""

from __future__ import annotations

import numpy as np

__all__: list[str] = []

_LARGEST = (32 << 20) - (1 << 16)  # bytes; from 32 MiB on, glibc takes no notice

np.empty(_LARGEST, np.uint8)

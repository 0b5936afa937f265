"""Child processes that do not outlive us, even when we are killed."""

import ctypes
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


def ends_with_us(number: int) -> Callable[[], None]:
    """A `preexec_fn` that lets the kernel send the child signal `number` when the thread that started it is gone."""

    def ask_the_kernel() -> None:
        _libc.prctl(_PR_SET_PDEATHSIG, int(number))

    return ask_the_kernel

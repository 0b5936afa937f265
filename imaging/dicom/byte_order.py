"""Big-endian words as little-endian ones (PS3.5 §7.3)."""


def swap_words(value: bytes, size: int) -> bytes:
    """Words of `size` bytes in the other byte order; bytes left over at the end stay."""
    if size < 2:
        return value
    swapped, whole = bytearray(value), len(value) - len(value) % size
    for place in range(size):
        swapped[place:whole:size] = value[size - 1 - place : whole : size]
    return bytes(swapped)

"""CRC32C, by which Google Cloud Storage knows a file; of parts that are summed where they arrive.

The sum of a whole is made of the sums of its parts: the parts may arrive in any order, and no byte
is looked at twice.
Source: Castagnoli's polynomial, in the bit order of RFC 3720, appendix B.4.
"""

from __future__ import annotations

from base64 import b64encode

_POLYNOMIAL = 0x82F63B78
_ONE = 1 << 31
_X = 1 << 30


class CRC32C:
    """The checksum of the bytes so far."""

    def __init__(self, number: int = 0, size_bytes: int = 0) -> None:
        self.number = number
        self.size_bytes = size_bytes

    def update(self, data: bytes, /) -> None:
        """Take the next bytes."""
        import google_crc32c

        self.number = google_crc32c.extend(self.number, data)
        self.size_bytes += len(data)

    def then(self, after: CRC32C) -> CRC32C:
        """The checksum of these bytes with those of another behind them."""
        shifted = _multiply(self.number, _power_of_x(8 * after.size_bytes))
        return CRC32C(shifted ^ after.number, self.size_bytes + after.size_bytes)

    @property
    def text(self) -> str:
        """As Google tells it: base64 of four bytes, the highest first."""
        return b64encode(self.number.to_bytes(4, "big")).decode()


def _multiply(one: int, other: int) -> int:
    """The product of two polynomials of bits, modulo Castagnoli's."""
    product = 0
    for place in range(31, -1, -1):
        if one >> place & 1:
            product ^= other
        other = other >> 1 ^ (_POLYNOMIAL if other & 1 else 0)
    return product


def _power_of_x(exponent: int) -> int:
    power, square = _ONE, _X
    while exponent:
        if exponent & 1:
            power = _multiply(power, square)
        square = _multiply(square, square)
        exponent >>= 1
    return power

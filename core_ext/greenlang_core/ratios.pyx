"""Exact ratios by code: what a value is multiplied with before its one rounding."""

import decimal
from math import gcd

from greenlang_core.refusals import integer_of

from cython cimport final
from libc.stdint cimport uint64_t
from libc.stdlib cimport free
from posix.stdlib cimport posix_memalign

from greenlang_core.wide cimport (
    CEILING, FLOOR, HALF_DOWN, HALF_EVEN, HALF_UP, UP, ZERO_FIVE_UP, ratio_t, set_ratio, set_ratio_too_wide,
)


cdef enum:
    CACHE_LINE = 64

#: `decimal`'s names, in the order of wide.h.
cdef tuple ROUNDING_MODES = (
    decimal.ROUND_HALF_EVEN,
    decimal.ROUND_HALF_UP,
    decimal.ROUND_HALF_DOWN,
    decimal.ROUND_UP,
    decimal.ROUND_DOWN,
    decimal.ROUND_CEILING,
    decimal.ROUND_FLOOR,
    decimal.ROUND_05UP,
)

cdef object WORD = (1 << 64) - 1


cdef int mode_number(object mode) except -1:
    """Where a rounding mode of `decimal` stands in wide.h."""
    try:
        return ROUNDING_MODES.index(mode)
    except ValueError:
        raise ValueError(f"{mode!r} is no rounding mode; use one of {', '.join(ROUNDING_MODES)}") from None


@final
cdef class Ratios:
    """A ratio in lowest terms for every code, with the reciprocal of its divisor."""

    def __cinit__(self, list terms):
        cdef:
            Py_ssize_t code
            void* entries = NULL
        if posix_memalign(&entries, CACHE_LINE, max(len(terms), 1) * sizeof(ratio_t)) != 0:
            raise MemoryError(f"{len(terms)} ratios do not fit in memory")
        self.entries = <ratio_t*> entries
        self.length = len(terms)
        self._terms = terms
        for code, (numerator, divisor) in enumerate(terms):
            size = abs(numerator)
            if size.bit_length() > 128 or divisor.bit_length() > 128:
                set_ratio_too_wide(&self.entries[code])
            else:
                set_ratio(
                    &self.entries[code],
                    <uint64_t> (size >> 64), <uint64_t> (size & WORD),
                    <uint64_t> (divisor >> 64), <uint64_t> (divisor & WORD),
                    numerator < 0,
                )

    def __dealloc__(self):
        free(self.entries)

    cdef object rounded(self, Py_ssize_t code, object unscaled, int mode):
        """`apply_ratio` for integers of any width."""
        numerator, divisor = self._terms[code]
        product = unscaled * numerator
        quotient, rest = divmod(abs(product), divisor)
        if rest and moves_away(mode, product < 0, quotient, 2 * rest - divisor):
            quotient += 1
        return -quotient if product < 0 else quotient


cdef bint moves_away(int mode, bint negative, object quotient, object past_half) except -1:
    """Whether a truncated quotient moves one away from zero; `past_half` is signed."""
    if mode == HALF_EVEN:
        return past_half > 0 or (past_half == 0 and quotient % 2 == 1)
    if mode == HALF_UP:
        return past_half >= 0
    if mode == HALF_DOWN:
        return past_half > 0
    if mode == ZERO_FIVE_UP:
        return quotient % 5 == 0
    return mode == UP or (mode == CEILING and not negative) or (mode == FLOOR and negative)


cdef Ratios ratios_of(object numerators, object denominators, int places_gained):
    """numerators[code] / denominators[code] * 10^places_gained for every code."""
    if len(numerators) != len(denominators):
        raise ValueError(f"{len(numerators)} numerators but {len(denominators)} denominators; give one each a code")
    cdef list terms = []
    up = 10 ** <object> max(places_gained, 0)
    down = 10 ** <object> max(-places_gained, 0)
    for code, (numerator, denominator) in enumerate(zip(numerators, denominators, strict=True)):
        if type(numerator) is not int:
            numerator = integer_of(numerator, f"numerator of code {code}: ")
        if type(denominator) is not int:
            denominator = integer_of(denominator, f"denominator of code {code}: ")
        if denominator <= 0:
            raise ValueError(f"denominator of code {code} is {denominator}; it must be positive")
        numerator *= up
        denominator *= down
        common = gcd(numerator, denominator)
        terms.append((numerator // common, denominator // common))
    return Ratios(terms)


cdef Ratios power_ratio(int places_gained):
    """10^places_gained alone: a change of scale."""
    return ratios_of((1,), (1,), places_gained)

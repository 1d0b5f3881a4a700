/* Signed integers of 256 bits: what the intermediates of a formula may grow to.
 *
 * These are for the rows that leave the 128 bits of wide.h, and for single records: right for every operand,
 * and GL_BEYOND where 256 bits do not hold the result.
 */
#ifndef GREENLANG_WIDER_H
#define GREENLANG_WIDER_H

#include "wide.h"

typedef struct {
    gl_uint256 magnitude;
    int negative; /* zero may have either sign */
} gl_wide;

static inline gl_wide gl_widened(gl_int128 value)
{
    gl_wide wide = {{gl_magnitude(value), 0}, value < 0};
    return wide;
}

/* Within 38 digits, or GL_OVERFLOW. */
static inline int gl_narrowed(const gl_wide *value, gl_int128 *result)
{
    *result = gl_signed(value->magnitude.low, value->negative);
    return value->magnitude.high == 0 && gl_fits_digits(value->magnitude.low) ? GL_OK : GL_OVERFLOW;
}

static inline int gl_compare_magnitudes(gl_uint256 left, gl_uint256 right)
{
    if (left.high != right.high) return left.high > right.high ? 1 : -1;
    return (left.low > right.low) - (left.low < right.low);
}

static inline int gl_multiply_magnitudes(gl_uint256 left, gl_uint256 right, gl_uint256 *result)
{
    *result = gl_multiply_full(left.low, right.low);
    if ((left.high | right.high) == 0) return GL_OK;
    if (left.high != 0 && right.high != 0) return GL_BEYOND;
    gl_uint256 upper = left.high != 0 ? gl_multiply_full(left.high, right.low) : gl_multiply_full(left.low, right.high);
    if (upper.high != 0 || upper.low > ~result->high) return GL_BEYOND;
    result->high += upper.low;
    return GL_OK;
}

static inline int gl_wide_multiply(const gl_wide *left, const gl_wide *right, gl_wide *result)
{
    int negative = left->negative != right->negative;
    result->negative = negative;
    return gl_multiply_magnitudes(left->magnitude, right->magnitude, &result->magnitude);
}

/* left + right, or left - right where `subtract`. */
static inline int gl_wide_add(const gl_wide *left, const gl_wide *right, int subtract, gl_wide *result)
{
    int right_negative = right->negative ^ subtract;
    gl_uint256 a = left->magnitude, b = right->magnitude, sum;
    result->negative = left->negative;
    if (left->negative == right_negative) {
        sum.low = a.low + b.low;
        sum.high = a.high + b.high;
        int carried = sum.high < a.high;
        sum.high += sum.low < a.low;
        carried |= sum.low < a.low && sum.high == 0;
        result->magnitude = sum;
        return carried ? GL_BEYOND : GL_OK;
    }
    if (gl_compare_magnitudes(a, b) < 0) {
        gl_uint256 larger = b;
        b = a;
        a = larger;
        result->negative = right_negative;
    }
    result->magnitude.low = a.low - b.low;
    result->magnitude.high = a.high - b.high - (a.low < b.low);
    return GL_OK;
}

static inline int gl_wide_compare(const gl_wide *left, const gl_wide *right)
{
    int order = gl_compare_magnitudes(left->magnitude, right->magnitude);
    if ((left->magnitude.low | left->magnitude.high | right->magnitude.low | right->magnitude.high) == 0) return 0;
    if (left->negative != right->negative) return left->negative ? -1 : 1;
    return left->negative ? -order : order;
}

/* value * 10^exponent, which is 0 to 38. */
static inline int gl_wide_scale_up(gl_wide *value, int exponent)
{
    gl_uint256 power = {gl_power_of_ten(exponent), 0};
    if (exponent == 0) return GL_OK;
    return gl_multiply_magnitudes(value->magnitude, power, &value->magnitude);
}

/* round(value * ratio), exact up to the one rounding. */
static inline int gl_wide_apply_ratio(const gl_wide *value, const gl_ratio *ratio, int mode, gl_wide *result)
{
    gl_uint256 numerator = {ratio->numerator, 0}, product;
    uint64_t words[4];
    int negative = value->negative ^ ratio->negative;
    if (ratio->kind == GL_TOO_WIDE) return GL_BEYOND;
    if (gl_multiply_magnitudes(value->magnitude, numerator, &product) != GL_OK) return GL_BEYOND;
    result->negative = negative;
    result->magnitude = product;
    if (ratio->kind == GL_WHOLE) return GL_OK;
    gl_division division;
    division.remainder = gl_divide_words(product, ratio, words);
    result->magnitude.low = ((gl_uint128)words[1] << 64) | words[0];
    result->magnitude.high = ((gl_uint128)words[3] << 64) | words[2];
    if (division.remainder == 0) return GL_OK;
    /* The last digit is all that rounding asks of a quotient, and 2^128 ends in 6. */
    division.quotient = (result->magnitude.low % 10 + result->magnitude.high % 10 * 6) % 10;
    if (gl_moves_away(mode, negative, division, ratio->divisor))
        result->magnitude.high += ++result->magnitude.low == 0; /* a divisor of 2 or more leaves room */
    return GL_OK;
}

/* round(left * 10^gained / right), which may be negative powers too. */
static inline int gl_wide_divide(const gl_wide *left, const gl_wide *right, int gained, int mode, gl_wide *result)
{
    gl_ratio ratio;
    gl_wide divisor = *right;
    gl_uint128 power = gl_power_of_ten(gained > 0 ? gained : 0);
    if ((right->magnitude.low | right->magnitude.high) == 0) return GL_DIVISION_BY_ZERO;
    if (gl_wide_scale_up(&divisor, gained < 0 ? -gained : 0) != GL_OK || divisor.magnitude.high != 0)
        return GL_BEYOND;
    gl_set_ratio(&ratio, (uint64_t)(power >> 64), (uint64_t)power, (uint64_t)(divisor.magnitude.low >> 64),
                 (uint64_t)divisor.magnitude.low, divisor.negative);
    return gl_wide_apply_ratio(left, &ratio, mode, result);
}

#endif

/* Decimal text to 128-bit integers and back. */
#ifndef GREENLANG_DIGITS_H
#define GREENLANG_DIGITS_H

#include <stddef.h>
#include <string.h>

#include "wide.h"

/* Sign, 38 digits, a point and its leading zero. */
#define GL_TEXT_SIZE 48

/* Exponents past this are alike: no column reaches them, and sums with a text's length stay in 64 bits. */
#define GL_EXPONENT_CAP 1000000000000LL

/* Read `[+-]digits[.digits][e[+-]digits]` as an integer at `scale` places.
 *
 * GL_NOT_A_NUMBER: another syntax. GL_INEXACT: more places than `scale`, trailing zeros aside.
 * GL_OVERFLOW: more than 38 digits at that scale. */
static int gl_parse_decimal(const char *text, ptrdiff_t length, int scale, gl_int128 *result)
{
    const char *end = text + length;
    gl_uint128 coefficient = 0;
    int digits = 0;                /* of the coefficient, up to the last one that is not zero */
    int64_t zeros = 0, places = 0; /* zeros read since then; digits read after the point */
    int64_t exponent = 0;
    int negative = 0, any = 0, after_point = 0, too_long = 0;

    if (text < end && (*text == '-' || *text == '+')) negative = *text++ == '-';
    for (; text < end; text++) {
        unsigned digit = (unsigned)(unsigned char)*text - '0';
        if (digit > 9) {
            if (*text != '.' || after_point) break;
            after_point = 1;
            continue;
        }
        any = 1;
        places += after_point;
        if (digit == 0) {
            zeros += digits != 0;
        } else if (too_long || digits + zeros >= GL_MAX_DIGITS) {
            too_long = 1;
            zeros = 0;
        } else {
            coefficient = coefficient * gl_power_of_ten((int)zeros + 1) + digit;
            digits += (int)zeros + 1;
            zeros = 0;
        }
    }
    if (!any) return GL_NOT_A_NUMBER;
    if (text < end && (*text == 'e' || *text == 'E')) {
        int below_one = 0;
        text++;
        if (text < end && (*text == '-' || *text == '+')) below_one = *text++ == '-';
        if (text == end) return GL_NOT_A_NUMBER;
        for (; text < end && (unsigned)(unsigned char)*text - '0' <= 9; text++)
            if (exponent < GL_EXPONENT_CAP) exponent = exponent * 10 + (*text - '0');
        if (below_one) exponent = -exponent;
    }
    if (text != end) return GL_NOT_A_NUMBER;

    *result = 0;
    if (digits == 0) return GL_OK;
    int64_t power = scale + exponent - places + zeros;
    if (power < 0) return GL_INEXACT; /* the last digit is not zero, so it would be lost */
    if (too_long || digits + power > GL_MAX_DIGITS) return GL_OVERFLOW;
    *result = gl_signed(coefficient * gl_power_of_ten((int)power), negative);
    return GL_OK;
}

static inline char *gl_write_digits(char *end, uint64_t value, int at_least)
{
    for (; value != 0 || at_least > 0; value /= 10, at_least--) *--end = (char)('0' + value % 10);
    return end;
}

/* Write fixed-point text with exactly `scale` places, right-aligned in `buffer`; returns its first character. */
static char *gl_format_decimal(gl_int128 value, int scale, char buffer[GL_TEXT_SIZE])
{
    char *end = buffer + GL_TEXT_SIZE, *start = end;
    gl_uint128 magnitude = gl_magnitude(value);
    if (magnitude >> 64) {
        start = gl_write_digits(start, (uint64_t)(magnitude % GL_TEN_19), 19);
        magnitude /= GL_TEN_19;
    }
    start = gl_write_digits(start, (uint64_t)magnitude, 0);
    while (end - start <= scale) *--start = '0';
    if (scale > 0) {
        start--;
        memmove(start, start + 1, (size_t)(end - start - 1 - scale));
        end[-1 - scale] = '.';
    }
    if (value < 0) *--start = '-';
    return start;
}

#endif

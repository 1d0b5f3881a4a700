/* Integers of 128 and 256 bits, as the decimal loops need them.
 *
 * Every operation has two halves: an inline one for operands that fit a machine word, which is what data
 * looks like, and one out of line that is right for all others. Division is by a reciprocal computed once
 * per divisor (Moeller and Granlund, "Improved division by invariant integers", IEEE Transactions on
 * Computers 60 (2011) 165-175): a hardware division of 128 bits costs several times as much.
 */
#ifndef GREENLANG_WIDE_H
#define GREENLANG_WIDE_H

#include <stdint.h>

#if !defined(__SIZEOF_INT128__) || __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the decimal kernel needs a little-endian 64-bit target whose compiler has __int128"
#endif

/* Arrow promises 8-byte alignment only; without the attribute compilers emit loads that trap on less than 16. */
typedef __int128 gl_int128 __attribute__((aligned(8)));
typedef unsigned __int128 gl_uint128;
typedef struct { gl_uint128 low, high; } gl_uint256;

#define GL_LIKELY(condition) __builtin_expect(!!(condition), 1)
/* Kept out of the loops' code, yet optimised for speed: `cold` would optimise for size. */
#define GL_OUT_OF_LINE __attribute__((noinline, unused)) static

/* What a loop reports about the row it stopped at. */
enum { GL_OK, GL_OVERFLOW, GL_INEXACT, GL_BEYOND, GL_BAD_CODE, GL_NOT_A_NUMBER,
       GL_DIVISION_BY_ZERO };

/* decimal's eight rounding modes, then "a remainder is an error". */
enum { GL_HALF_EVEN, GL_HALF_UP, GL_HALF_DOWN, GL_UP, GL_DOWN, GL_CEILING, GL_FLOOR, GL_05UP, GL_EXACT };

#define GL_TEN_19 10000000000000000000ULL
#define GL_MAX_DIGITS 38

static inline gl_uint128 gl_power_of_ten(int exponent) /* 0 to 38 */
{
    static const uint64_t powers[20] = {
        1ULL, 10ULL, 100ULL, 1000ULL, 10000ULL, 100000ULL, 1000000ULL, 10000000ULL, 100000000ULL,
        1000000000ULL, 10000000000ULL, 100000000000ULL, 1000000000000ULL, 10000000000000ULL,
        100000000000000ULL, 1000000000000000ULL, 10000000000000000ULL, 100000000000000000ULL,
        1000000000000000000ULL, GL_TEN_19};
    return exponent < 20 ? powers[exponent] : (gl_uint128)powers[exponent - 19] * GL_TEN_19;
}

/* 10^38 - 1, the largest magnitude of a column. */
#define GL_LIMIT ((gl_uint128)GL_TEN_19 * GL_TEN_19 - 1)

static inline int gl_fits_digits(gl_uint128 magnitude) { return magnitude <= GL_LIMIT; }

/* One unsigned comparison; also right for the wrapped sum of two numbers within the limit, because
 * 2 * (10^38 - 1) + (10^38 - 1) < 2^128. */
static inline int gl_in_range(gl_int128 value) { return (gl_uint128)value + GL_LIMIT <= 2 * GL_LIMIT; }

static inline int gl_fits_word(gl_int128 value) { return value == (int64_t)value; }

static inline gl_uint128 gl_magnitude(gl_int128 value)
{
    return value < 0 ? -(gl_uint128)value : (gl_uint128)value;
}

static inline gl_int128 gl_signed(gl_uint128 magnitude, int negative)
{
    return (gl_int128)(negative ? -magnitude : magnitude);
}

static inline gl_int128 gl_from_words(int64_t high, uint64_t low)
{
    return (gl_int128)(((gl_uint128)(uint64_t)high << 64) | low);
}

static inline gl_int128 gl_from_word(int64_t value) { return value; }
static inline int64_t gl_high_word(gl_int128 value) { return (int64_t)(value >> 64); }
static inline uint64_t gl_low_word(gl_int128 value) { return (uint64_t)value; }
static inline int gl_same(gl_int128 left, gl_int128 right) { return left == right; }
static inline gl_int128 gl_negative(gl_int128 value) { return -value; }

static inline gl_uint256 gl_multiply_full(gl_uint128 left, gl_uint128 right)
{
    uint64_t a0 = (uint64_t)left, a1 = (uint64_t)(left >> 64);
    uint64_t b0 = (uint64_t)right, b1 = (uint64_t)(right >> 64);
    gl_uint128 p00 = (gl_uint128)a0 * b0, p01 = (gl_uint128)a0 * b1;
    gl_uint128 p10 = (gl_uint128)a1 * b0, p11 = (gl_uint128)a1 * b1;
    gl_uint128 middle = (p00 >> 64) + (uint64_t)p01 + (uint64_t)p10;
    gl_uint256 product;
    product.low = (middle << 64) | (uint64_t)p00;
    product.high = p11 + (p01 >> 64) + (p10 >> 64) + (middle >> 64);
    return product;
}

/* ---- multiplication and aligned addition ---------------------------------------------------------- */

GL_OUT_OF_LINE int gl_multiply_wide(gl_int128 left, gl_int128 right, gl_int128 *result)
{
    gl_uint256 product = gl_multiply_full(gl_magnitude(left), gl_magnitude(right));
    if (product.high != 0 || !gl_fits_digits(product.low)) return GL_OVERFLOW;
    *result = gl_signed(product.low, (left < 0) != (right < 0));
    return GL_OK;
}

static inline int gl_multiply(gl_int128 left, gl_int128 right, gl_int128 *result)
{
    if (GL_LIKELY(gl_fits_word(left) && gl_fits_word(right))) {
        *result = (gl_int128)(int64_t)left * (int64_t)right; /* at most 2^126, which is below 10^38 */
        return GL_OK;
    }
    return gl_multiply_wide(left, right, result);
}

static inline int gl_multiply_by_word(gl_int128 left, int64_t right, gl_int128 *result)
{
    if (GL_LIKELY(gl_fits_word(left))) {
        *result = (gl_int128)(int64_t)left * right;
        return GL_OK;
    }
    return gl_multiply_wide(left, right, result);
}

GL_OUT_OF_LINE int gl_add_scaled_wide(gl_int128 scaled, gl_uint128 power, gl_int128 other, gl_int128 *result)
{
    gl_uint256 product = gl_multiply_full(gl_magnitude(scaled), power);
    gl_uint128 left = product.low, right = gl_magnitude(other), sum;
    int negative = scaled < 0;
    if (product.high != 0) return GL_OVERFLOW; /* 2^128 less 10^38 is still past the limit */
    if (negative == (other < 0)) {
        if (!gl_fits_digits(left)) return GL_OVERFLOW;
        sum = left + right;
    } else if (left >= right) {
        sum = left - right;
    } else {
        sum = right - left;
        negative = !negative;
    }
    *result = gl_signed(sum, negative);
    return gl_fits_digits(sum) ? GL_OK : GL_OVERFLOW;
}

/* scaled * power + other: the sum of two rows whose scales differ. */
static inline int gl_add_scaled(gl_int128 scaled, gl_uint128 power, gl_int128 other, gl_int128 *result)
{
    if (GL_LIKELY(gl_fits_word(scaled) && !(power >> 63))) {
        gl_int128 sum = (gl_int128)((gl_uint128)((gl_int128)(int64_t)scaled * (int64_t)power) + (gl_uint128)other);
        *result = sum; /* the product is below 10^38, so that one comparison will do, as in gl_add */
        return gl_in_range(sum) ? GL_OK : GL_OVERFLOW;
    }
    return gl_add_scaled_wide(scaled, power, other, result);
}

/* value * power, as one operand of a comparison or a change of scale. */
static inline int gl_scale_up(gl_int128 value, gl_uint128 power, gl_int128 *result)
{
    return gl_multiply(value, (gl_int128)power, result);
}

static inline int gl_add(gl_int128 left, gl_int128 right, gl_int128 *result)
{
    gl_int128 sum = (gl_int128)((gl_uint128)left + (gl_uint128)right);
    *result = sum;
    return gl_in_range(sum) ? GL_OK : GL_OVERFLOW;
}

/* The sign of left * left_power - right * right_power, where one power is 1. What leaves 38 digits is past
 * the other side. */
static inline int gl_compare(gl_int128 left, gl_uint128 left_power, gl_int128 right, gl_uint128 right_power)
{
    gl_int128 a, b;
    if (gl_scale_up(left, left_power, &a) != GL_OK) return left < 0 ? -1 : 1;
    if (gl_scale_up(right, right_power, &b) != GL_OK) return right < 0 ? 1 : -1;
    return (a > b) - (a < b);
}

/* ---- sums that may leave 128 bits on the way ------------------------------------------------------ */

/* low + high * 2^128: holds the sum of 2^64 rows. The low part is signed, so that `high` changes only when
 * it overflows, which a branch predicts; carries on every row cost four times as much. */
typedef struct { gl_int128 low; int64_t high; } gl_total;

static inline gl_total gl_no_total(void)
{
    gl_total total = {0, 0};
    return total;
}

static inline void gl_accumulate(gl_total *total, gl_int128 value)
{
    __int128 low;
    if (__builtin_expect(__builtin_add_overflow(total->low, value, &low), 0)) total->high += value < 0 ? -1 : 1;
    total->low = low;
}

static inline int gl_total_fits(const gl_total *total, gl_int128 *result)
{
    *result = total->low;
    return total->high == 0 && gl_in_range(*result);
}

/* Words of the same number as a two's complement integer of 192 bits. */
static inline uint64_t gl_total_word(const gl_total *total, int word)
{
    if (word == 2) return (uint64_t)total->high - (total->low < 0);
    return (uint64_t)((gl_uint128)total->low >> (64 * word));
}

/* ---- ratios: value * numerator / divisor, rounded once --------------------------------------------- */

enum { GL_WHOLE, GL_ONE_WORD, GL_TWO_WORDS, GL_TOO_WIDE };

/* `divisor` is shifted left until its top bit is set. Ratios are gathered by code: each in its own cache line. */
typedef struct __attribute__((aligned(64))) {
    gl_uint128 numerator;
    gl_uint128 divisor;
    uint64_t reciprocal;
    int32_t shift;
    uint8_t kind;     /* words of the divisor; GL_WHOLE divides by one, GL_TOO_WIDE is left to Python */
    uint8_t negative; /* sign of the numerator */
    uint8_t narrow;   /* numerator and divisor are of one word: the short path is open */
} gl_ratio;

typedef struct { gl_uint128 quotient, remainder; } gl_division; /* remainder: shifted like the divisor */

/* Quotient of (high, low) by a divisor of one normalised word; high < divisor. */
static inline uint64_t gl_divide_2by1(uint64_t high, uint64_t low, uint64_t divisor, uint64_t reciprocal,
                                      uint64_t *remainder)
{
    gl_uint128 estimate = (gl_uint128)reciprocal * high + (((gl_uint128)high << 64) | low);
    uint64_t quotient = (uint64_t)(estimate >> 64) + 1;
    uint64_t rest = low - quotient * divisor;
    uint64_t too_large = -(uint64_t)(rest > (uint64_t)estimate); /* a mask: this one is a coin toss */
    quotient += too_large;
    rest += too_large & divisor;
    if (__builtin_expect(rest >= divisor, 0)) {
        quotient++;
        rest -= divisor;
    }
    *remainder = rest;
    return quotient;
}

/* Quotient of (high, middle, low) by a divisor of two normalised words; (high, middle) < divisor. */
static inline uint64_t gl_divide_3by2(uint64_t high, uint64_t middle, uint64_t low, gl_uint128 divisor,
                                      uint64_t reciprocal, gl_uint128 *remainder)
{
    uint64_t d1 = (uint64_t)(divisor >> 64), d0 = (uint64_t)divisor;
    gl_uint128 estimate = (gl_uint128)reciprocal * high + (((gl_uint128)high << 64) | middle);
    uint64_t quotient = (uint64_t)(estimate >> 64);
    gl_uint128 rest = ((gl_uint128)(middle - quotient * d1) << 64) | low;
    rest -= (gl_uint128)d0 * quotient + divisor;
    quotient++;
    if ((uint64_t)(rest >> 64) >= (uint64_t)estimate) {
        quotient--;
        rest += divisor;
    }
    if (__builtin_expect(rest >= divisor, 0)) {
        quotient++;
        rest -= divisor;
    }
    *remainder = rest;
    return quotient;
}

/* Moeller and Granlund's algorithm 6: the reciprocal that gl_divide_3by2 takes. */
static inline uint64_t gl_reciprocal_of_two_words(gl_uint128 divisor)
{
    uint64_t d1 = (uint64_t)(divisor >> 64), d0 = (uint64_t)divisor;
    uint64_t reciprocal = (uint64_t)(~(gl_uint128)0 / d1);
    uint64_t rest = d1 * reciprocal + d0;
    if (rest < d0) {
        reciprocal--;
        if (rest >= d1) {
            reciprocal--;
            rest -= d1;
        }
        rest -= d1;
    }
    gl_uint128 product = (gl_uint128)reciprocal * d0;
    rest += (uint64_t)(product >> 64);
    if (rest < (uint64_t)(product >> 64)) {
        reciprocal--;
        if ((((gl_uint128)rest << 64) | (uint64_t)product) >= divisor) reciprocal--;
    }
    return reciprocal;
}

static inline void gl_set_ratio(gl_ratio *ratio, uint64_t numerator_high, uint64_t numerator_low,
                                uint64_t divisor_high, uint64_t divisor_low, int negative)
{
    ratio->numerator = ((gl_uint128)numerator_high << 64) | numerator_low;
    ratio->divisor = ((gl_uint128)divisor_high << 64) | divisor_low;
    ratio->reciprocal = 0;
    ratio->shift = 0;
    ratio->negative = (uint8_t)negative;
    if (divisor_high != 0) {
        ratio->kind = GL_TWO_WORDS;
        ratio->shift = __builtin_clzll(divisor_high);
        ratio->divisor <<= ratio->shift;
        ratio->reciprocal = gl_reciprocal_of_two_words(ratio->divisor);
    } else if (divisor_low != 1) {
        ratio->kind = GL_ONE_WORD;
        ratio->shift = __builtin_clzll(divisor_low);
        ratio->divisor <<= ratio->shift;
        ratio->reciprocal = (uint64_t)(~(gl_uint128)0 / (uint64_t)ratio->divisor);
    } else {
        ratio->kind = GL_WHOLE;
    }
    ratio->narrow = numerator_high == 0 && divisor_high == 0;
}

static inline void gl_set_ratio_too_wide(gl_ratio *ratio)
{
    gl_set_ratio(ratio, 0, 0, 0, 1, 0);
    ratio->kind = GL_TOO_WIDE;
    ratio->narrow = 0;
}

static inline gl_division gl_divide_by_word(gl_uint128 dividend, const gl_ratio *ratio)
{
    uint64_t divisor = (uint64_t)ratio->divisor, rest = 0, quotient_high = 0, quotient_low;
    gl_uint128 shifted = dividend << ratio->shift;
    uint64_t spilled = (uint64_t)(dividend >> 64) >> 1 >> (63 - ratio->shift);
    gl_division division;
    if (spilled != 0 || (uint64_t)(shifted >> 64) >= divisor)
        quotient_high = gl_divide_2by1(spilled, (uint64_t)(shifted >> 64), divisor, ratio->reciprocal, &rest);
    else
        rest = (uint64_t)(shifted >> 64);
    quotient_low = gl_divide_2by1(rest, (uint64_t)shifted, divisor, ratio->reciprocal, &rest);
    division.quotient = ((gl_uint128)quotient_high << 64) | quotient_low;
    division.remainder = rest;
    return division;
}

/* Division of 256 bits: the words of the quotient, low ones first; the remainder is shifted like the divisor. */
GL_OUT_OF_LINE gl_uint128 gl_divide_words(gl_uint256 dividend, const gl_ratio *ratio, uint64_t quotient[4])
{
    int shift = ratio->shift;
    uint64_t words[5];
    words[0] = (uint64_t)dividend.low;
    words[1] = (uint64_t)(dividend.low >> 64);
    words[2] = (uint64_t)dividend.high;
    words[3] = (uint64_t)(dividend.high >> 64);
    words[4] = 0;
    for (int i = 4; shift != 0 && i >= 0; i--)
        words[i] = (words[i] << shift) | (i == 0 ? 0 : words[i - 1] >> (64 - shift));

    quotient[3] = 0;
    if (ratio->kind == GL_ONE_WORD) {
        uint64_t rest = words[4];
        for (int i = 3; i >= 0; i--)
            quotient[i] = gl_divide_2by1(rest, words[i], (uint64_t)ratio->divisor, ratio->reciprocal, &rest);
        return rest;
    }
    gl_uint128 rest = ((gl_uint128)words[4] << 64) | words[3];
    for (int i = 2; i >= 0; i--)
        quotient[i] = gl_divide_3by2((uint64_t)(rest >> 64), (uint64_t)rest, words[i], ratio->divisor,
                                     ratio->reciprocal, &rest);
    return rest;
}

/* The same where the quotient stays within 38 digits; GL_OVERFLOW if it does not. */
static inline int gl_divide_wide(gl_uint256 dividend, const gl_ratio *ratio, gl_division *division)
{
    uint64_t quotient[4];
    division->remainder = gl_divide_words(dividend, ratio, quotient);
    division->quotient = ((gl_uint128)quotient[1] << 64) | quotient[0];
    return (quotient[3] | quotient[2]) != 0 || !gl_fits_digits(division->quotient) ? GL_OVERFLOW : GL_OK;
}

/* Whether a truncated quotient moves one away from zero; `remainder` is not zero. */
static inline int gl_moves_away(int mode, int negative, gl_division division, gl_uint128 divisor)
{
    gl_uint128 rest = division.remainder, missing = divisor - rest; /* 2 * rest could leave 128 bits */
    /* Which half a remainder falls in is a coin toss: & and |, because a mispredicted branch costs more. */
    if (mode == GL_HALF_EVEN) return (rest > missing) | ((rest == missing) & (int)(division.quotient & 1));
    switch (mode) {
    case GL_HALF_UP: return rest >= missing;
    case GL_HALF_DOWN: return rest > missing;
    case GL_UP: return 1;
    case GL_CEILING: return !negative;
    case GL_FLOOR: return negative;
    case GL_05UP: return division.quotient % 5 == 0; /* its last digit is 0 or 5 */
    default: return 0; /* GL_DOWN */
    }
}

GL_OUT_OF_LINE int gl_apply_ratio_wide(gl_uint128 magnitude, int negative, const gl_ratio *ratio, int mode,
                                       gl_int128 *result)
{
    gl_division division = {0, 0};
    if (ratio->kind == GL_TOO_WIDE) return GL_BEYOND;
    gl_uint256 product = gl_multiply_full(magnitude, ratio->numerator);
    if (ratio->kind == GL_WHOLE) {
        if (product.high != 0) return GL_OVERFLOW;
        division.quotient = product.low;
    } else if (product.high == 0 && ratio->kind == GL_ONE_WORD) {
        division = gl_divide_by_word(product.low, ratio);
    } else if (gl_divide_wide(product, ratio, &division) != GL_OK) {
        return GL_OVERFLOW;
    }
    if (division.remainder != 0) {
        if (mode == GL_EXACT) return GL_INEXACT;
        division.quotient += gl_moves_away(mode, negative, division, ratio->divisor);
    }
    *result = gl_signed(division.quotient, negative);
    return gl_fits_digits(division.quotient) ? GL_OK : GL_OVERFLOW;
}

/* round(value * numerator / divisor), exact up to the one rounding. */
static inline int gl_apply_ratio(gl_int128 value, const gl_ratio *ratio, int mode, gl_int128 *result)
{
    gl_uint128 magnitude = gl_magnitude(value);
    int negative = (value < 0) ^ ratio->negative;
    if (GL_LIKELY(ratio->narrow && !(magnitude >> 64))) {
        gl_uint128 product = (gl_uint128)(uint64_t)magnitude * (uint64_t)ratio->numerator;
        uint64_t high = (uint64_t)(product >> 64), low = (uint64_t)product;
        uint64_t divisor = (uint64_t)ratio->divisor, rest;
        if (ratio->kind == GL_WHOLE) {
            *result = gl_signed(product, negative);
            return GL_LIKELY(gl_fits_digits(product)) ? GL_OK : GL_OVERFLOW;
        }
        /* The quotient is of one word, as it mostly is: one division does, and no mode but the usual one. */
        if (GL_LIKELY(high < divisor >> ratio->shift && mode == GL_HALF_EVEN)) {
            high = (high << ratio->shift) | (low >> 1 >> (63 - ratio->shift));
            uint64_t quotient = gl_divide_2by1(high, low << ratio->shift, divisor, ratio->reciprocal, &rest);
            uint64_t missing = divisor - rest;
            int away = (rest > missing) | ((rest == missing) & (int)(quotient & 1));
            *result = gl_signed((gl_uint128)quotient + (unsigned)away, negative);
            return GL_OK;
        }
    }
    return gl_apply_ratio_wide(magnitude, negative, ratio, mode, result);
}

/* ---- quotients and products of two rows, rounded once ------------------------------------------------ */

/* round(left * power / (right * right_power)); the reciprocal of each divisor costs a hardware division. */
GL_OUT_OF_LINE int gl_divide(gl_int128 left, gl_uint128 power, gl_int128 right, gl_uint128 right_power, int mode,
                             gl_int128 *result)
{
    gl_ratio ratio;
    gl_uint256 divisor = gl_multiply_full(gl_magnitude(right), right_power);
    if (right == 0) return GL_DIVISION_BY_ZERO;
    if (divisor.high != 0) return GL_BEYOND;
    gl_set_ratio(&ratio, (uint64_t)(power >> 64), (uint64_t)power, (uint64_t)(divisor.low >> 64),
                 (uint64_t)divisor.low, right < 0);
    return gl_apply_ratio(left, &ratio, mode, result);
}

/* round(left * right * unit), where `unit` is a power of ten: only its numerator or its divisor is not 1. */
static inline int gl_multiply_rounded(gl_int128 left, gl_int128 right, const gl_ratio *unit, int mode,
                                      gl_int128 *result)
{
    if (unit->kind == GL_WHOLE) {
        if (gl_multiply(left, right, result) != GL_OK) return GL_OVERFLOW;
        return gl_scale_up(*result, unit->numerator, result);
    }
    gl_ratio ratio = *unit;
    ratio.numerator = gl_magnitude(right);
    ratio.negative = right < 0;
    ratio.narrow &= !(ratio.numerator >> 64);
    return gl_apply_ratio(left, &ratio, mode, result);
}

#endif

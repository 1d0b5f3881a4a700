"""The loops of decimal columns: no Python object inside, no lock held."""

from libc.stdint cimport int64_t

from greenlang_core.wide cimport (
    BAD_CODE, BEYOND, DIVISION_BY_ZERO, MAX_DIGITS, OK, accumulate, add, add_scaled, apply_ratio, compare, divide,
    high_word, in_range, int128, multiply, multiply_by_word, multiply_ratio, negative, no_total, power_of_ten, ratio_t,
    same, scale_up, total_t, uint128,
)


cdef Py_ssize_t check_range(const int128* rows, Py_ssize_t length) noexcept nogil:
    """The first row of more than 38 digits."""
    cdef Py_ssize_t row
    for row in range(length):
        if not in_range(rows[row]):
            return row
    return length


cdef bint equal(Operand left, Operand right, Py_ssize_t length) noexcept nogil:
    """left * 10^left.exponent == right * 10^right.exponent in every row; one of the exponents is 0."""
    cdef:
        uint128 left_power = power_of_ten(left.exponent)
        uint128 right_power = power_of_ten(right.exponent)
        Py_ssize_t row
        int128 a, b
    for row in range(length):
        # What overflows differs from the other side, which is within 38 digits as it stands.
        if scale_up(left.rows[row], left_power, &a) != OK or scale_up(right.rows[row], right_power, &b) != OK:
            return False
        if not same(a, b):
            return False
    return True


cdef void negate(const int128* rows, bint only_negative, int128* result, Py_ssize_t length) noexcept nogil:
    """-rows, or with `only_negative` their magnitudes."""
    cdef Py_ssize_t row
    for row in range(length):
        result[row] = rows[row] if only_negative and high_word(rows[row]) >= 0 else negative(rows[row])


cdef void compare_rows(
    Operand left, Operand right, int relation, unsigned char* truths, Py_ssize_t length
) noexcept nogil:
    """Whether the sign of left - right is in `relation`."""
    cdef:
        uint128 left_power = power_of_ten(left.exponent)
        uint128 right_power = power_of_ten(right.exponent)
        Py_ssize_t row
        int sign
    for row in range(length):
        sign = compare(left.rows[row * left.step], left_power, right.rows[row * right.step], right_power)
        truths[row] = relation >> (sign + 1) & 1


cdef Py_ssize_t choose_rows(
    const unsigned char* truths, Operand left, Operand right, int128* result, Py_ssize_t length
) noexcept nogil:
    """left where true, else right, each brought to the common scale."""
    cdef:
        uint128 left_power = power_of_ten(left.exponent)
        uint128 right_power = power_of_ten(right.exponent)
        Py_ssize_t row
        int status
    for row in range(length):
        if truths[row]:
            status = scale_up(left.rows[row * left.step], left_power, &result[row])
        else:
            status = scale_up(right.rows[row * right.step], right_power, &result[row])
        if status != OK:
            return row
    return length


cdef Py_ssize_t find_extreme(const int128* rows, int relation, Py_ssize_t length) noexcept nogil:
    """The first row with no other in `relation` to it; `length` is at least 1."""
    cdef:
        uint128 one = power_of_ten(0)
        Py_ssize_t row, found = 0
    for row in range(1, length):
        if relation >> (compare(rows[row], one, rows[found], one) + 1) & 1:
            found = row
    return found


cdef Py_ssize_t add_rows(
    Operand left, Operand right, bint subtract, int128* result, Py_ssize_t length
) noexcept nogil:
    """left * 10^left.exponent ± right * 10^right.exponent; one of the exponents is 0."""
    cdef:
        uint128 left_power = power_of_ten(left.exponent)
        uint128 right_power = power_of_ten(right.exponent)
        Py_ssize_t row
        int128 a, b
        int status
    for row in range(length):
        a = left.rows[row * left.step]
        b = right.rows[row * right.step]
        if subtract:
            b = negative(b)
        if left.exponent == right.exponent:
            status = add(a, b, &result[row])
        elif left.exponent > 0:
            status = add_scaled(a, left_power, b, &result[row])
        else:
            status = add_scaled(b, right_power, a, &result[row])
        if status != OK:
            return row
    return length


cdef Py_ssize_t multiply_rows(
    Operand left, Operand right, int128* result, Py_ssize_t length, total_t* total
) noexcept nogil:
    """left * right; scales add, so exponents play no part."""
    cdef:
        total_t sum = no_total()
        Py_ssize_t row
        int128 product
    for row in range(length):
        if multiply(left.rows[row * left.step], right.rows[row * right.step], &product) != OK:
            return row
        result[row] = product
        accumulate(&sum, product)
    total[0] = sum
    return length


cdef Py_ssize_t multiply_words(
    const int128* rows, Codes codes, const int64_t* factors, int128* result, Py_ssize_t length, total_t* total
) noexcept nogil:
    """rows[row] * factors[codes[row]]; stops at a code out of bounds too."""
    cdef:
        total_t sum = no_total()  # a local, which compilers keep in registers
        Py_ssize_t row
        int64_t code
        int128 product
    for row in range(length):
        code = code_at(codes, row)
        if not 0 <= code < codes.limit or multiply_by_word(rows[row], factors[code], &product) != OK:
            return row
        result[row] = product
        accumulate(&sum, product)
    total[0] = sum
    return length


cdef Py_ssize_t multiply_gathered(
    const int128* rows, Codes codes, const int128* factors, int128* result, Py_ssize_t length, total_t* total
) noexcept nogil:
    """The same for factors past 64 bits."""
    cdef:
        total_t sum = no_total()
        Py_ssize_t row
        int64_t code
        int128 product
    for row in range(length):
        code = code_at(codes, row)
        if not 0 <= code < codes.limit or multiply(rows[row], factors[code], &product) != OK:
            return row
        result[row] = product
        accumulate(&sum, product)
    total[0] = sum
    return length


cdef Py_ssize_t take_rows(const int128* rows, Codes codes, int128* result, Py_ssize_t length) noexcept nogil:
    """rows[codes[row]]; stops at the first code out of bounds."""
    cdef:
        Py_ssize_t row
        int64_t code
    for row in range(length):
        code = code_at(codes, row)
        if not 0 <= code < codes.limit:
            return row
        result[row] = rows[code]
    return length


cdef Py_ssize_t apply_ratios(
    const int128* rows,
    Codes codes,
    const ratio_t* ratios,
    int mode,
    int128* result,
    Py_ssize_t start,
    Py_ssize_t length,
    int* status,
) noexcept nogil:
    """round(rows[row] * ratios[codes[row]]); `status` says why it stopped."""
    cdef:
        Py_ssize_t row
        int64_t code
        int row_status
    for row in range(start, length):
        code = code_at(codes, row)
        if not 0 <= code < codes.limit:
            status[0] = BAD_CODE
            return row
        row_status = apply_ratio(rows[row], &ratios[code], mode, &result[row])
        if row_status != OK:
            status[0] = row_status
            return row
    return length


cdef Py_ssize_t divide_rows(
    const int128* left,
    const int128* right,
    int gained,
    int mode,
    int128* result,
    Py_ssize_t start,
    Py_ssize_t length,
    int* status,
) noexcept nogil:
    """round(left * 10^gained / right); `status` says why it stopped."""
    cdef:
        uint128 power = power_of_ten(min(max(gained, 0), MAX_DIGITS))
        uint128 right_power = power_of_ten(max(-gained, 0))
        Py_ssize_t row
    for row in range(start, length):
        status[0] = divide(left[row], power, right[row], right_power, mode, &result[row])
        if gained > MAX_DIGITS and status[0] != DIVISION_BY_ZERO:
            status[0] = BEYOND
        if status[0] != OK:
            return row
    return length


cdef Py_ssize_t multiply_rounded(
    const int128* left,
    const int128* right,
    const ratio_t* unit,
    int mode,
    int128* result,
    Py_ssize_t start,
    Py_ssize_t length,
    int* status,
) noexcept nogil:
    """round(left * right * unit); `status` says why it stopped."""
    cdef Py_ssize_t row
    for row in range(start, length):
        status[0] = multiply_ratio(left[row], right[row], unit, mode, &result[row])
        if status[0] != OK:
            return row
    return length


cdef total_t total_rows(const int128* rows, Py_ssize_t length) noexcept nogil:
    """The sum, in 192 bits."""
    cdef:
        total_t total = no_total()
        Py_ssize_t row
    for row in range(length):
        accumulate(&total, rows[row])
    return total


cdef Py_ssize_t total_groups(
    const int128* rows, Codes codes, total_t* totals, Py_ssize_t length
) noexcept nogil:
    """Add each row to the total of its code; stops at the first code out of bounds."""
    cdef:
        Py_ssize_t row
        int64_t code
    for row in range(length):
        code = code_at(codes, row)
        if not 0 <= code < codes.limit:
            return row
        accumulate(&totals[code], rows[row])
    return length

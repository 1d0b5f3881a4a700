"""Columns of exact fixed-point numbers: 128-bit integers and one scale, in Arrow's decimal128 memory.

Loops are in `decimal_loops`, ratios in `ratios`, text and Python numbers in `conversions`, Arrow in
`arrow_capsules`; here are the class, its checks and what its errors say.
"""

import decimal
from pickle import PickleBuffer

from greenlang_core.refusals import DecimalOverflow, DecimalTextError, float_refusal, is_float

from cpython.buffer cimport PyBuffer_FillInfo
from cython cimport final
from libc.stdint cimport uintptr_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy, memset

from greenlang_core.arrow_capsules cimport ArrowDecimals, array_capsules, import_decimals, schema_capsule
from greenlang_core.buffers cimport Borrowed, Memory, allocate, integers_of
from greenlang_core.conversions cimport (
    rows_from_decimals, rows_from_integers, rows_from_strings, scalar_to_row, to_decimal, to_integer, to_row, to_text,
    total_to_integer,
)
from greenlang_core.decimal_loops cimport (
    Codes, Operand, add_rows, apply_ratios, check_range, code_at, equal, multiply_rows, negate, take_rows, total_groups,
    total_rows,
)
from greenlang_core.ratios cimport Ratios, mode_number, power_ratio, ratios_of
from greenlang_core.wide cimport BAD_CODE, BEYOND, EXACT, INEXACT, MAX_DIGITS, int128, total_fits, total_t

__all__ = ["DecimalColumn", "DecimalOverflow", "DecimalTextError"]


cdef enum:
    PREVIEW = 6  # rows that repr shows


@final
cdef class DecimalColumn:
    """Exact decimals of one scale: row i is an integer of at most 38 digits over 10**scale.

    Columns do not change. Results that leave 38 digits raise `DecimalOverflow` with the first row; nothing
    is ever rounded but by `round` and `scale_by`. Floats are refused with what to write instead.
    """

    __array_ufunc__ = None  # NumPy scalars on the left hand over to the operators below

    def __init__(self):
        raise TypeError("a DecimalColumn is made by from_strings, from_decimals, from_integers, from_buffer or zeros")

    # ---- making -------------------------------------------------------------------------------------

    @classmethod
    def from_strings(cls, values, scale, *, name=""):
        """Parse text such as ``-12.50`` or ``1.5e3`` exactly.

        Raises `DecimalTextError`, a `ValueError` with `row` and `text`, for what is no number or needs more
        than `scale` places or 38 digits; `name` (of the column) goes into its message.
        """
        scale = checked_scale(scale)
        return column_of(rows_from_strings(values, scale, name), scale)

    @classmethod
    def from_decimals(cls, values, scale):
        """Take Decimals and integers that `scale` places hold exactly; `ValueError` names the first other."""
        scale = checked_scale(scale)
        return column_of(rows_from_decimals(values, scale), scale)

    @classmethod
    def from_integers(cls, values, scale):
        """Take unscaled integers: 1234 at scale 2 is 12.34. A NumPy int64 or int32 array goes fastest."""
        scale = checked_scale(scale)
        return column_of(rows_from_integers(values), scale)

    @classmethod
    def from_buffer(cls, data, scale):
        """Read 16-byte little-endian integers; memory that is read-only is shared, other memory copied."""
        cdef:
            Borrowed source = Borrowed(data)
            Py_ssize_t length = source.view.len // <Py_ssize_t> sizeof(int128)
            int column_scale = checked_scale(scale)
            Memory memory
        if source.view.len % sizeof(int128) != 0:
            raise ValueError(f"{source.view.len} bytes are no whole number of 16-byte integers")
        if source.view.readonly and <uintptr_t> source.view.buf % 8 == 0:
            return checked_column(source, <const int128*> source.view.buf, length, column_scale)
        memory = allocate(length)
        memcpy(memory.rows, source.view.buf, source.view.len)
        return checked_column(memory, memory.rows, length, column_scale)

    @classmethod
    def from_arrow(cls, array):
        """Share the memory of a decimal128 array of any Arrow library (`__arrow_c_array__`)."""
        cdef ArrowDecimals decimals = import_decimals(array)
        return checked_column(decimals, decimals.rows, decimals.length, checked_scale(decimals.scale))

    @classmethod
    def zeros(cls, length, scale):
        """`length` times 0."""
        cdef Memory memory = allocate(length)
        memset(memory.rows, 0, length * sizeof(int128))
        return column_of(memory, checked_scale(scale))

    @classmethod
    def concat(cls, columns):
        """Rows of several columns of one scale, end to end."""
        cdef:
            DecimalColumn column
            Memory memory
            Py_ssize_t start = 0
        parts = list(columns)
        if not parts:
            raise ValueError("no columns to concatenate, so no scale; use zeros(0, scale)")
        for column in parts:
            if column.scale != (<DecimalColumn> parts[0]).scale:
                raise ValueError(
                    f"columns of scale {(<DecimalColumn> parts[0]).scale} and {column.scale} do not share a scale; "
                    "rescale them first"
                )
        memory = allocate(sum(map(len, parts)))
        for column in parts:
            memcpy(memory.rows + start, column.rows, column.length * sizeof(int128))
            start += column.length
        return column_of(memory, column.scale)

    # ---- reading ------------------------------------------------------------------------------------

    def __len__(self):
        return self.length

    def __getitem__(self, key):
        """A Decimal for an integer; for a slice a column, which shares memory if its step is 1."""
        cdef Py_ssize_t row, start, stop, step
        if isinstance(key, slice):
            start, stop, step = key.indices(self.length)
            if step == 1:
                return column_over(self.owner, self.rows + start, max(stop - start, 0), self.scale)
            return self.take(range(start, stop, step))
        row = key
        if row < 0:
            row += self.length
        if not 0 <= row < self.length:
            raise IndexError(f"row {key} of a column of {self.length}")
        return to_decimal(to_integer(self.rows[row]), self.scale)

    def to_decimals(self):
        """A list of Decimals, each with `scale` places."""
        cdef Py_ssize_t row
        return [decimal.Decimal(to_text(self.rows[row], self.scale)) for row in range(self.length)]

    def to_strings(self):
        """A list of plain texts with exactly `scale` places."""
        cdef Py_ssize_t row
        return [to_text(self.rows[row], self.scale) for row in range(self.length)]

    def to_bytes(self):
        """Copy the rows as 16-byte little-endian integers; ``memoryview(column)`` shares them."""
        return (<const char*> self.rows)[: self.length * sizeof(int128)]

    def __getbuffer__(self, Py_buffer* view, int flags):
        PyBuffer_FillInfo(view, self, <void*> self.rows, self.length * sizeof(int128), 1, flags)

    def __arrow_c_schema__(self):
        return schema_capsule(self.scale)

    def __arrow_c_array__(self, requested_schema=None):
        """Share the rows as Arrow decimal128(38, scale); a requested schema is not converted to."""
        return array_capsules(self, self.rows, self.length, self.scale)

    def __reduce_ex__(self, protocol):
        rows = PickleBuffer(self) if protocol >= 5 else self.to_bytes()
        return _unpickle, (rows, self.scale)

    def __repr__(self):
        shown = self[:PREVIEW].to_strings() + (["…"] if self.length > PREVIEW else [])
        return f"DecimalColumn([{', '.join(shown)}], length={self.length}, scale={self.scale})"

    # ---- comparing ----------------------------------------------------------------------------------

    def equals(self, DecimalColumn other not None):
        """Whether both have the same numbers in the same rows; as with Decimals, scales may differ."""
        cdef:
            Operand left = operand(self, self.length, max(self.scale, other.scale))
            Operand right = operand(other, self.length, max(self.scale, other.scale))
            bint result
        if self.length != other.length:
            return False
        with nogil:
            result = equal(left, right, self.length)
        return result

    def __eq__(self, other):
        return self.equals(other) if isinstance(other, DecimalColumn) else NotImplemented

    __hash__ = None

    # ---- arithmetic ---------------------------------------------------------------------------------

    def __add__(self, other):
        return sum_of(self, other, False)

    def __radd__(self, other):
        return sum_of(other, self, False)

    def __sub__(self, other):
        return sum_of(self, other, True)

    def __rsub__(self, other):
        return sum_of(other, self, True)

    def __mul__(self, other):
        return product_of(self, other)

    def __rmul__(self, other):
        return product_of(other, self)

    def __neg__(self):
        cdef Memory memory = allocate(self.length)
        with nogil:
            negate(self.rows, memory.rows, self.length)
        return column_of(memory, self.scale)

    def sum(self):
        """The total as a Decimal, exact also past 38 digits."""
        cdef total_t total
        with nogil:
            total = total_rows(self.rows, self.length)
        return to_decimal(total_to_integer(&total), self.scale)

    def group_sum(self, codes, groups):
        """Totals of the rows of each code in 0 to groups - 1; `DecimalOverflow` names the group."""
        cdef:
            Borrowed code_rows = codes_for(self, codes)
            Py_ssize_t group, group_count = groups, row
            Memory memory = allocate(group_count)
            Codes group_codes = codes_in(code_rows, group_count)
            total_t* totals = <total_t*> calloc(max(group_count, 1), sizeof(total_t))
        if totals == NULL:
            raise MemoryError(f"totals of {group_count} groups do not fit in memory")
        try:
            with nogil:
                row = total_groups(self.rows, group_codes, totals, self.length)
            if row < self.length:
                raise bad_code(group_codes, row, "groups")
            for group in range(group_count):
                if not total_fits(&totals[group], &memory.rows[group]):
                    raise overflow(
                        group, "total", total_to_integer(&totals[group]), self.scale,
                        "round to fewer places first", place="group",
                    )
        finally:
            free(totals)
        return column_of(memory, self.scale)

    def take(self, indices):
        """The rows at `indices` (not negative), in that order."""
        cdef:
            Borrowed index_rows = integers_of(indices, "index")
            Memory memory = allocate(index_rows.items)
            Codes codes = codes_in(index_rows, self.length)
            Py_ssize_t row
        with nogil:
            row = take_rows(self.rows, codes, memory.rows, index_rows.items)
        if row < index_rows.items:
            raise bad_code(codes, row, "rows")
        return column_of(memory, self.scale)

    # ---- rounding -----------------------------------------------------------------------------------

    def round(self, places, mode=decimal.ROUND_HALF_EVEN):
        """Round to `places`, which is the result's scale; `mode` is one of `decimal`'s eight."""
        return rescaled(self, checked_scale(places), mode_number(mode))

    def rescale(self, scale):
        """The same numbers at another scale; `ValueError` names the first row that would need rounding."""
        return rescaled(self, checked_scale(scale), EXACT)

    def scale_by(self, codes, numerators, denominators, places, mode=decimal.ROUND_HALF_EVEN):
        """Multiply each row by the ratio of its code and round once.

        Row i becomes ``round(self[i] * numerators[codes[i]] / denominators[codes[i]], places)``, where the
        product and the quotient are exact and `places` is the scale of the result.

        Parameters
        ----------
        codes : int32 or int64 array
            One for every row, in 0 to ``len(numerators) - 1``.
        numerators, denominators : sequence of int
            Of any size; those that leave 128 bits in lowest terms at the result's scale are slow.
            Denominators are positive.
        """
        cdef:
            int scale = checked_scale(places)
            Ratios ratios = ratios_of(numerators, denominators, scale - self.scale)
        return scaled(self, ratios, codes_for(self, codes), scale, mode_number(mode))


def _unpickle(rows, scale):
    return DecimalColumn.from_buffer(rows, scale)


# ---- columns over memory ---------------------------------------------------------------------------------

cdef DecimalColumn column_over(object owner, const int128* rows, Py_ssize_t length, int scale):
    cdef DecimalColumn column = DecimalColumn.__new__(DecimalColumn)
    column.owner = owner
    column.rows = rows
    column.length = length
    column.scale = scale
    return column


cdef DecimalColumn column_of(Memory memory, int scale):
    return column_over(memory, memory.rows, memory.length, scale)


cdef DecimalColumn checked_column(object owner, const int128* rows, Py_ssize_t length, int scale):
    """A column over rows from outside, which may be out of range."""
    cdef Py_ssize_t row
    with nogil:
        row = check_range(rows, length)
    if row < length:
        raise overflow(row, "the integer read", to_integer(rows[row]), 0, "the data are not a decimal column")
    return column_over(owner, rows, length, scale)


# ---- operands --------------------------------------------------------------------------------------------

cdef DecimalColumn as_column(object value):
    """A column as it is, a Decimal or integer as a column of one row; None for anything else."""
    cdef Memory memory
    if isinstance(value, DecimalColumn):
        return value
    if is_float(value):
        raise float_refusal(value)
    if not isinstance(value, decimal.Decimal) and not hasattr(value, "__index__"):
        return None
    memory = allocate(1)
    return column_of(memory, scalar_to_row(value, memory.rows))


cdef Operand operand(DecimalColumn column, Py_ssize_t length, int scale):
    return Operand(column.rows, 1 if column.length == length else 0, scale - column.scale)


cdef Py_ssize_t common_length(object left, object right) except -1:
    """Rows of the result of an operator; at least one operand is a column."""
    if not isinstance(left, DecimalColumn):
        return (<DecimalColumn> right).length
    if isinstance(right, DecimalColumn) and (<DecimalColumn> right).length != (<DecimalColumn> left).length:
        raise ValueError(
            f"columns of {(<DecimalColumn> left).length} and {(<DecimalColumn> right).length} rows do not align; "
            "use columns of one length, or a Decimal"
        )
    return (<DecimalColumn> left).length


cdef object sum_of(object left, object right, bint subtract):
    cdef:
        Py_ssize_t length = common_length(left, right), row
        DecimalColumn a = as_column(left), b = as_column(right)
        Memory memory
        Operand left_operand, right_operand
        int scale
    if a is None or b is None:
        return NotImplemented
    scale = max(a.scale, b.scale)
    left_operand = operand(a, length, scale)
    right_operand = operand(b, length, scale)
    memory = allocate(length)
    with nogil:
        row = add_rows(left_operand, right_operand, subtract, memory.rows, length)
    if row == length:
        return column_of(memory, scale)
    x, y = a[row * left_operand.step], b[row * right_operand.step]
    unscaled = unscaled_at(x, scale) + (-1 if subtract else 1) * unscaled_at(y, scale)
    raise overflow(row, f"{x} {'-' if subtract else '+'} {y}", unscaled, scale, "round to fewer places first")


cdef object product_of(object left, object right):
    cdef:
        Py_ssize_t length = common_length(left, right), row
        DecimalColumn a = as_column(left), b = as_column(right)
        Memory memory
        Operand left_operand, right_operand
    if a is None or b is None:
        return NotImplemented
    if a.scale + b.scale > MAX_DIGITS:
        raise DecimalOverflow(
            f"scales {a.scale} and {b.scale} multiply to {a.scale + b.scale} decimal places, a column holds "
            f"{MAX_DIGITS}; round to fewer places first"
        )
    left_operand = operand(a, length, a.scale)
    right_operand = operand(b, length, b.scale)
    memory = allocate(length)
    with nogil:
        row = multiply_rows(left_operand, right_operand, memory.rows, length)
    if row == length:
        return column_of(memory, a.scale + b.scale)
    x, y = a[row * left_operand.step], b[row * right_operand.step]
    unscaled = unscaled_at(x, a.scale) * unscaled_at(y, b.scale)
    raise overflow(row, f"{x} * {y}", unscaled, a.scale + b.scale, "round to fewer places first")


# ---- changes of scale ------------------------------------------------------------------------------------

cdef DecimalColumn rescaled(DecimalColumn column, int scale, int mode):
    if scale == column.scale:
        return column
    return scaled(column, power_ratio(scale - column.scale), None, scale, mode)


cdef DecimalColumn scaled(DecimalColumn column, Ratios ratios, Borrowed code_rows, int scale, int mode):
    """Rows times their ratios; without `code_rows` all take the first."""
    cdef:
        Memory memory = allocate(column.length)
        Codes codes = codes_in(code_rows, ratios.length)
        Py_ssize_t row = 0
        int status = 0
    while True:
        with nogil:
            row = apply_ratios(
                column.rows, codes, ratios.entries, mode, memory.rows, row, column.length, &status
            )
        if row == column.length:
            return column_of(memory, scale)
        if status == BAD_CODE:
            raise bad_code(codes, row, "ratios")
        if status == INEXACT:
            raise ValueError(
                f"row {row}: {to_text(column.rows[row], column.scale)} has more than {scale} decimal places; "
                f"use round({scale})"
            )
        value = ratios.rounded(code_at(codes, row), to_integer(column.rows[row]), mode)
        if status != BEYOND or not to_row(value, &memory.rows[row]):
            raise overflow(
                row, f"{to_text(column.rows[row], column.scale)} scaled to {scale} places", value, scale,
                "use fewer places or a larger unit",
            )
        row += 1


# ---- checks and refusals ---------------------------------------------------------------------------------

cdef int checked_scale(object scale) except -1:
    if is_float(scale):
        raise TypeError(f"scale {scale} is a float; write an integer")
    if not 0 <= scale <= MAX_DIGITS:
        raise ValueError(f"scale {scale} is not in 0 to {MAX_DIGITS}")
    return scale


cdef Borrowed codes_for(DecimalColumn column, object codes):
    cdef Borrowed rows = integers_of(codes, "code")
    if rows.items != column.length:
        raise ValueError(f"{rows.items} codes for {column.length} rows; give one each row")
    return rows


cdef Codes codes_in(Borrowed rows, Py_ssize_t limit):
    """Codes as the loops take them; without `rows` every code is 0."""
    if rows is None:
        return Codes(NULL, False, limit)
    return Codes(rows.view.buf, rows.view.itemsize == 8, limit)


cdef object bad_code(Codes codes, Py_ssize_t row, str what):
    return IndexError(
        f"row {row}: code {code_at(codes, row)} is outside the {codes.limit} {what}, which are numbered from 0"
    )


cdef object unscaled_at(object value, int scale):
    """A Decimal's integer at a scale that holds it."""
    return int(value.scaleb(scale, decimal.Context(prec=200)))


cdef object overflow(Py_ssize_t row, str what, object unscaled, int scale, str mend, str place="row"):
    digits = len(str(abs(unscaled)))
    return DecimalOverflow(
        f"{place} {row}: {what} = {to_decimal(unscaled, scale)} needs {digits} digits at scale {scale}, a column holds "
        f"{MAX_DIGITS}; {mend}",
        row,
    )

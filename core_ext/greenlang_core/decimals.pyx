"""Columns of exact fixed-point numbers: 128-bit integers and one scale, in Arrow's decimal128 memory.

Here is the class alone. Its arithmetic is in `arithmetic` and `scaling`, whose loops are in `decimal_loops`;
`rows` says what a column is in C, `conversions` reads text and Python numbers, `arrow_capsules` Arrow.
"""

import decimal
from pickle import PickleBuffer

from greenlang_core.code_books import CodeBook
from greenlang_core.refusals import DecimalOverflow, DecimalTextError

from cpython.buffer cimport PyBuffer_FillInfo
from cython cimport final
from libc.stdint cimport uintptr_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcmp, memcpy, memset

from greenlang_core.arithmetic cimport negated, product_of, sum_of
from greenlang_core.arrow_capsules cimport ArrowDecimals, array_capsules, import_decimals, schema_capsule
from greenlang_core.arrow_streams cimport import_chunks, stream_capsule
from greenlang_core.buffers cimport Borrowed, Memory, allocate, integers_of
from greenlang_core.comparison cimport EQUAL, GREATER, LESS, chosen, compared, extreme_row, nearer
from greenlang_core.conversions cimport (
    rows_from_decimals, rows_from_integers, rows_from_strings, to_decimal, to_integer, to_text, to_trimmed_text,
    total_to_integer,
)
from greenlang_core.decimal_loops cimport (
    Codes, Operand, check_range, equal, take_rows, total_groups, total_rows,
)
from greenlang_core.division cimport mean_of, quotient_of, rounded_columns
from greenlang_core.masks cimport Mask, as_mask, empty_mask
from greenlang_core.ratios cimport Ratios, mode_number, ratios_of
from greenlang_core.rows cimport (
    Rows, bad_code, begin, checked_scale, codes_for, codes_in, finish, memory_of, operand, overflow, rows_over,
    with_value,
)
from greenlang_core.scaling cimport rescaled, rounded_product, scaled
from greenlang_core.validity cimport bitmap_of, both, first_null, is_valid, part_of, taken, truths_of, validity_of
from greenlang_core.wide cimport EXACT, from_word, int128, total_fits, total_t

__all__ = ["CodeBook", "DecimalColumn", "DecimalOverflow", "DecimalTextError"]


cdef str SKIP = "use skip_nulls=True, fill_null or drop_nulls"

#: Of bytes 0 and 1: `bytes.translate` with it turns truths around.
cdef bytes NEGATED = b"\1\0" + bytes(254)

cdef enum:
    PREVIEW = 6  # rows that repr shows


@final
cdef class DecimalColumn(Rows):
    """Exact decimals of one scale: row i is an integer of at most 38 digits over 10**scale.

    Columns do not change. Results that leave 38 digits raise `DecimalOverflow` with the first row; nothing
    is ever rounded but by `round` and `scale_by`. Floats are refused with what to write instead.
    """

    __array_ufunc__ = None  # NumPy scalars on the left hand over to the operators below

    def __init__(self):
        raise TypeError("a DecimalColumn is made by from_strings, from_decimals, from_integers, from_buffer or zeros")

    # ---- making -------------------------------------------------------------------------------------

    @classmethod
    def from_strings(cls, values, scale, *, name="", nulls=False):
        """Parse text such as ``-12.50`` or ``1.5e3`` exactly.

        Raises `DecimalTextError`, a `ValueError` with `row` and `text`, for what is no number or needs more
        than `scale` places or 38 digits; `name` (of the column) goes into its message. With `nulls`, None is
        a null.
        """
        scale = checked_scale(scale)
        if nulls:
            values = list(values)
            texts = ["0" if value is None else value for value in values]
            return cls.from_strings(texts, scale, name=name).with_nulls([value is None for value in values])
        return column_of(rows_from_strings(values, scale, name), scale)

    @classmethod
    def from_decimals(cls, values, scale, *, nulls=False):
        """Take Decimals and integers that `scale` places hold exactly; `ValueError` names the first other.

        With `nulls`, None is a null.
        """
        scale = checked_scale(scale)
        if nulls:
            values = list(values)
            numbers = [0 if value is None else value for value in values]
            return cls.from_decimals(numbers, scale).with_nulls([value is None for value in values])
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
        """Share the memory of a decimal128 array of any Arrow library; one in several chunks is copied.

        Takes whatever has `__arrow_c_array__` or `__arrow_c_stream__`.
        """
        if hasattr(array, "__arrow_c_array__"):
            return column_of_arrow(import_decimals(array))
        if not hasattr(array, "__arrow_c_stream__"):
            raise TypeError(
                f"{type(array).__name__} has no __arrow_c_array__ or __arrow_c_stream__; give an Arrow array"
            )
        *chunks, scale = import_chunks(array)
        columns = [column_of_arrow(chunk) for chunk in chunks]
        return columns[0] if len(columns) == 1 else cls.concat(columns or [cls.zeros(0, scale)])

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
        column = column_of(memory, column.scale)
        if any([(<DecimalColumn> part).validity is not None for part in parts]):
            column.validity = validity_of(
                b"".join([truths_of((<DecimalColumn> part).validity, len(part)) for part in parts])
            )
        return column

    # ---- nulls --------------------------------------------------------------------------------------

    @property
    def null_count(self):
        """How many rows are null."""
        return 0 if self.validity is None else self.validity.nulls

    def is_null(self):
        """Row by row, whether it is null: a `Mask`."""
        cdef Mask mask = empty_mask(self.length)
        mask.truths = truths_of(self.validity, self.length).translate(NEGATED)
        return mask

    def with_nulls(self, nulls):
        """The column with nulls also where `nulls` is true: a `Mask`, a NumPy array of bools, or bools."""
        cdef:
            Mask mask = as_mask(nulls, self.length)
            Rows result = begin(self, None, None, self.length)
        if mask.validity is not None:
            raise ValueError(f"row {first_null(mask.validity)} of the mask is null; give True or False")
        memcpy(memory_of(result), self.rows, self.length * sizeof(int128))
        return finish(
            result, self.length, self.scale, both(self.validity, validity_of(mask.truths.translate(NEGATED)))
        )

    def fill_null(self, number):
        """The column with a Decimal or integer in place of nulls, at the larger of both scales."""
        return self if self.validity is None else self.where(self.is_null(), number, self)

    def drop_nulls(self):
        """The rows that are not null."""
        if self.validity is None:
            return self
        return self.take([row for row, valid in enumerate(truths_of(self.validity, self.length)) if valid])

    # ---- reading ------------------------------------------------------------------------------------

    def __len__(self):
        return self.length

    def __getitem__(self, key):
        """A Decimal, or None for a null; for a slice a column, which shares memory if its step is 1."""
        cdef:
            Py_ssize_t row, start, stop, step
            DecimalColumn part
        if isinstance(key, slice):
            start, stop, step = key.indices(self.length)
            if step == 1:
                part = column_over(self.owner, self.rows + start, max(stop - start, 0), self.scale)
                part.validity = part_of(self.validity, start, part.length)
                return part
            return self.take(range(start, stop, step))
        row = key
        if row < 0:
            row += self.length
        if not 0 <= row < self.length:
            raise IndexError(f"row {key} of a column of {self.length}")
        if self.validity is not None and not is_valid(self.validity.bits, self.validity.offset + row):
            return None
        return to_decimal(to_integer(self.rows[row]), self.scale)

    def to_decimals(self):
        """A list of Decimals, each with `scale` places, and None for nulls."""
        return [text if text is None else decimal.Decimal(text) for text in self.to_strings()]

    def to_strings(self, *, bint trimmed=False):
        """A list of plain texts with exactly `scale` places, or as few as there need be, and None for nulls."""
        cdef Py_ssize_t row
        if trimmed:
            texts = [to_trimmed_text(self.rows[row], self.scale) for row in range(self.length)]
        else:
            texts = [to_text(self.rows[row], self.scale) for row in range(self.length)]
        if self.validity is None:
            return texts
        valid = truths_of(self.validity, self.length)
        return [text if is_there else None for text, is_there in zip(texts, valid, strict=True)]

    def to_bytes(self):
        """Copy the rows as 16-byte little-endian integers; ``memoryview(column)`` shares them.

        Both refuse a column with nulls, which bytes cannot tell from 0.
        """
        self.check_no_nulls("fill_null or drop_nulls first", ValueError)
        return (<const char*> self.rows)[: self.length * sizeof(int128)]

    def __getbuffer__(self, Py_buffer* view, int flags):
        self.check_no_nulls("fill_null or drop_nulls first", BufferError)
        PyBuffer_FillInfo(view, self, <void*> self.rows, self.length * sizeof(int128), 1, flags)
        self.views += 1

    def __releasebuffer__(self, Py_buffer* view):
        self.views -= 1

    def __arrow_c_schema__(self):
        return schema_capsule(self.scale)

    def __arrow_c_array__(self, requested_schema=None):
        """Share the rows as Arrow decimal128(38, scale); a requested schema is not converted to."""
        bitmap = None if self.validity is None else bitmap_of(self.validity)
        return array_capsules(self.owner, self.rows, self.length, self.scale, bitmap)

    def __arrow_c_stream__(self, requested_schema=None):
        """The same rows as a stream of one chunk."""
        return stream_capsule(self.__arrow_c_array__(), self.scale)

    def __reduce_ex__(self, protocol):
        if self.validity is not None:
            return _unpickle_nulls, (self.fill_null(0), self.is_null().to_list())
        rows = PickleBuffer(self) if protocol >= 5 else self.to_bytes()
        return _unpickle, (rows, self.scale)

    def __repr__(self):
        shown = [text or "null" for text in self[:PREVIEW].to_strings()] + (["…"] if self.length > PREVIEW else [])
        return f"DecimalColumn([{', '.join(shown)}], length={self.length}, scale={self.scale})"

    # ---- comparing ----------------------------------------------------------------------------------

    def equals(self, DecimalColumn other not None):
        """Whether both have the same numbers and nulls in the same rows; as with Decimals, scales may differ."""
        cdef:
            Operand left = operand(self, self.length, max(self.scale, other.scale))
            Operand right = operand(other, self.length, max(self.scale, other.scale))
            bint result
        if self.length != other.length:
            return False
        if truths_of(self.validity, self.length) != truths_of(other.validity, other.length):
            return False
        with nogil:
            result = equal(left, right, self.length)
        return result

    def __eq__(self, other):
        return self.equals(other) if isinstance(other, DecimalColumn) else NotImplemented

    __hash__ = None

    # `==` is of whole columns, as between lists; these are row by row and give a `Mask`.

    def __lt__(self, other):
        return operated(compared(self, other, LESS))

    def __le__(self, other):
        return operated(compared(self, other, LESS | EQUAL))

    def __gt__(self, other):
        return operated(compared(self, other, GREATER))

    def __ge__(self, other):
        return operated(compared(self, other, GREATER | EQUAL))

    def equal(self, other):
        """Row by row, whether the number is the same: a `Mask`."""
        return a_number(compared(self, other, EQUAL), other)

    @staticmethod
    def where(condition, left, right, *, out=None):
        """Rows of `left` where `condition` is true and of `right` elsewhere; one of them is a column.

        `condition` is a `Mask`, a NumPy array of bools, or bools. The result has the larger of the scales.
        """
        if not isinstance(left, Rows) and not isinstance(right, Rows):
            raise TypeError(f"where of {left!r} and {right!r}; give a column for one of them")
        return a_number(chosen(condition, left, right, out), right if isinstance(left, Rows) else left)

    def minimum(self, other, *, out=None):
        """The lesser of both in every row, at the larger of their scales."""
        return a_number(nearer(self, other, LESS | EQUAL, out), other)

    def maximum(self, other, *, out=None):
        """The greater of both in every row, at the larger of their scales."""
        return a_number(nearer(self, other, GREATER | EQUAL, out), other)

    def min(self, *, skip_nulls=False):
        """The least number of the column; `ValueError` if it has no rows, or a null that is not skipped."""
        if not skip_nulls:
            self.check_no_nulls(SKIP, ValueError)
        column = self.drop_nulls()
        return column[extreme_row(column, LESS)]

    def max(self, *, skip_nulls=False):
        """The greatest number of the column, under the same conditions."""
        if not skip_nulls:
            self.check_no_nulls(SKIP, ValueError)
        column = self.drop_nulls()
        return column[extreme_row(column, GREATER)]

    # ---- arithmetic ---------------------------------------------------------------------------------

    # `out` of the methods is a column to write over, which they give back: its memory is used again. It
    # must be no operand, as long as the result or longer, and without slices or views; what it held is lost.

    def __add__(self, other):
        return operated(sum_of(self, other, False, None))

    def __radd__(self, other):
        return operated(sum_of(other, self, False, None))

    def __sub__(self, other):
        return operated(sum_of(self, other, True, None))

    def __rsub__(self, other):
        return operated(sum_of(other, self, True, None))

    def __mul__(self, other):
        return operated(product_of(self, other, None))

    def __rmul__(self, other):
        return operated(product_of(other, self, None))

    def __neg__(self):
        return negated(self, False, None)

    def __abs__(self):
        return negated(self, True, None)

    def add(self, other, *, out=None):
        """``self + other``, into `out` if given."""
        return a_number(sum_of(self, other, False, out), other)

    def subtract(self, other, *, out=None):
        """``self - other``, into `out` if given."""
        return a_number(sum_of(self, other, True, out), other)

    def multiply(self, other, *, places=None, mode=decimal.ROUND_HALF_EVEN, out=None):
        """``self * other``, into `out` if given; with `places` each product is rounded once to that scale.

        `other` may also be gathered from a `CodeBook`, and with `places` a Fraction. The total of an exact
        product is counted along, so that `sum` of it costs nothing.
        """
        if places is None:
            return a_number(product_of(self, other, out), other)
        if isinstance(other, Rows):
            return rounded_columns(self, other, checked_scale(places), mode_number(mode), out)
        return rounded_product(self, other, checked_scale(places), mode_number(mode), out)

    def divide(self, other, places, mode=decimal.ROUND_HALF_EVEN, *, out=None):
        """``self / other``, each quotient rounded once to `places`, which is the result's scale.

        `other` is a column, a Decimal, an integer or a Fraction. `ZeroDivisionError` names the first row.
        """
        return a_number(quotient_of(self, other, checked_scale(places), mode_number(mode), out), other)

    def sum(self, *, skip_nulls=False):
        """The total as a Decimal, exact also past 38 digits; a null is refused unless skipped."""
        cdef total_t total
        if not skip_nulls:
            self.check_no_nulls(SKIP, ValueError)
        if not self.totalled:
            with nogil:
                total = total_rows(self.rows, self.length)
            self.total = total
            self.totalled = True
        return to_decimal(total_to_integer(&self.total), self.scale)

    def mean(self, places, mode=decimal.ROUND_HALF_EVEN, *, skip_nulls=False):
        """The total over the number of rows, as a Decimal rounded to `places`; `ValueError` without rows."""
        self.sum(skip_nulls=skip_nulls)
        return mean_of(
            total_to_integer(&self.total), self.length - self.null_count, self.scale, checked_scale(places),
            mode_number(mode),
        )

    def group_sum(self, codes, groups, *, skip_nulls=False):
        """Totals of the rows of each code in 0 to groups - 1; `DecimalOverflow` names the group."""
        if not skip_nulls:
            self.check_no_nulls(SKIP, ValueError)
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

    def take(self, indices, *, out=None):
        """The rows at `indices` (not negative), in that order."""
        cdef:
            Borrowed index_rows = integers_of(indices, "index")
            Rows result = begin(self, None, out, index_rows.items)
            int128* memory = memory_of(result)
            Codes codes = codes_in(index_rows, self.length)
            Py_ssize_t row
        with nogil:
            row = take_rows(self.rows, codes, memory, index_rows.items)
        if row < index_rows.items:
            raise bad_code(codes, row, "rows")
        return finish(result, index_rows.items, self.scale, taken(self.validity, codes, index_rows.items))

    # ---- rounding -----------------------------------------------------------------------------------

    def round(self, places, mode=decimal.ROUND_HALF_EVEN, *, out=None):
        """Round to `places`, which is the result's scale; `mode` is one of `decimal`'s eight."""
        return rescaled(self, checked_scale(places), mode_number(mode), out)

    def rescale(self, scale):
        """The same numbers at another scale; `ValueError` names the first row that would need rounding."""
        return rescaled(self, checked_scale(scale), EXACT, None)

    def scale_by(self, codes, numerators, denominators, places, mode=decimal.ROUND_HALF_EVEN, *, out=None):
        """Multiply each row by the ratio of its code and round once.

        Row i becomes ``round(self[i] * numerators[codes[i]] / denominators[codes[i]], places)``, where the
        product and the quotient are exact and `places` is the scale of the result. A `CodeBook` of Fractions
        does the same with ratios that are prepared once.

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
        return scaled(self, ratios, codes_for(self, codes), scale, mode_number(mode), out)


    cdef int check_no_nulls(self, str mend, object kind) except -1:
        if self.validity is not None:
            raise kind(f"row {first_null(self.validity)} is null; {mend}")
        return 0


def _unpickle_nulls(column, nulls):
    return column.with_nulls(nulls)


def _unpickle(rows, scale):
    return DecimalColumn.from_buffer(rows, scale)


# ---- columns over memory ---------------------------------------------------------------------------------

cdef DecimalColumn column_over(object owner, const int128* rows, Py_ssize_t length, int scale):
    return rows_over(DecimalColumn, owner, rows, length, scale)


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


cdef DecimalColumn column_of_arrow(ArrowDecimals decimals):
    """Rows from outside, whose nulls may hide anything: they are shared if all of those are 0."""
    cdef:
        DecimalColumn column
        Rows cleared
        int scale = checked_scale(decimals.scale)
    if decimals.validity is None:
        return checked_column(decimals, decimals.rows, decimals.length, scale)
    column = column_over(decimals, decimals.rows, decimals.length, scale)
    cleared = with_value(column, decimals.validity, from_word(0))
    if memcmp(cleared.rows, column.rows, column.length * sizeof(int128)) != 0:
        column = column_over(cleared.owner, cleared.rows, column.length, scale)
    column = checked_column(column.owner, column.rows, column.length, scale)
    column.validity = decimals.validity
    return column


# ---- what operators and methods make of no number ----------------------------------------------------------

cdef object operated(object result):
    return NotImplemented if result is None else result


cdef object a_number(object result, object other):
    if result is None:
        raise TypeError(f"{other!r} is no column, Decimal or integer")
    return result

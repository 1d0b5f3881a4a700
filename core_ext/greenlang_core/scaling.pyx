"""Rounding, changes of scale, and products with ratios, each of them rounded once."""

from greenlang_core.buffers cimport Borrowed
from greenlang_core.code_books cimport Gathered, terms_of
from greenlang_core.conversions cimport to_integer, to_row
from greenlang_core.decimal_loops cimport Codes, apply_ratios, code_at
from greenlang_core.ratios cimport Ratios, power_ratio, ratios_of
from greenlang_core.rows cimport Rows, bad_code, begin, codes_in, finish, memory_of, overflow, text_at
from greenlang_core.wide cimport BAD_CODE, BEYOND, INEXACT, int128


cdef Rows rescaled(Rows column, int scale, int mode, object out):
    if scale == column.scale and out is None:
        return column
    return scaled(column, power_ratio(scale - column.scale), None, scale, mode, out)


cdef Rows scaled(Rows column, Ratios ratios, Borrowed code_rows, int scale, int mode, object out):
    """Rows times their ratios; without `code_rows` all take the first."""
    cdef:
        Rows result = begin(column, None, out, column.length)
        int128* memory = memory_of(result)
        Codes codes = codes_in(code_rows, ratios.length)
        Py_ssize_t row = 0
        int status = 0
    while True:
        with nogil:
            row = apply_ratios(column.rows, codes, ratios.entries, mode, memory, row, column.length, &status)
        if row == column.length:
            return finish(result, column.length, scale, column.validity)
        if status == BAD_CODE:
            raise bad_code(codes, row, "ratios")
        if status == INEXACT:
            raise ValueError(
                f"row {row}: {text_at(column, row)} has more than {scale} decimal places; use round({scale})"
            )
        value = ratios.rounded(code_at(codes, row), to_integer(column.rows[row]), mode)
        if status != BEYOND or not to_row(value, &memory[row]):
            raise overflow(
                row, f"{text_at(column, row)} scaled to {scale} places", value, scale,
                "use fewer places or a larger unit",
            )
        row += 1


cdef Rows rounded_product(Rows column, object factor, int scale, int mode, object out):
    """round(column * factor, scale), for gathered factors, Decimals, integers and Fractions."""
    cdef Gathered factors
    if isinstance(factor, Gathered):
        factors = factor
        factors.check_length(column.length)
        ratios = factors.book.ratios(scale - column.scale)
        return scaled(column, ratios, factors.code_rows, scale, mode, out)
    numerator, denominator, _ = terms_of(factor, "")
    return scaled(column, ratios_of((numerator,), (denominator,), scale - column.scale), None, scale, mode, out)

"""The steps of a formula, run over a chunk of rows in 128 bits or over one row in 256."""

from libc.stdint cimport int64_t

from greenlang_core.decimal_loops cimport (
    Codes, Operand, add_rows, apply_ratios, check_range, choose_rows, code_at, compare_rows, divide_rows,
    multiply_rows, take_rows,
)
from greenlang_core.wide cimport BAD_CODE, BEYOND, OK, in_range, int128, no_total, total_t
from greenlang_core.wider cimport (
    narrowed, wide_add, wide_apply_ratio, wide_compare, wide_divide, wide_multiply, wide_scale_up, wide_t, widened,
)


# ---- a chunk -------------------------------------------------------------------------------------------------

cdef bint run_chunk(
    const Step* steps,
    Py_ssize_t count,
    Py_ssize_t first,
    Operand* registers,
    const StepTable* tables,
    const Codes* codes,
    unsigned char* truths,
    Py_ssize_t length,
) noexcept nogil:
    cdef Py_ssize_t index
    for index in range(count):
        if not run_step(&steps[index], registers, first + index, tables, codes, truths, length):
            return False
    return True


cdef bint run_step(
    const Step* step,
    Operand* registers,
    Py_ssize_t target,
    const StepTable* tables,
    const Codes* codes,
    unsigned char* truths,
    Py_ssize_t length,
) noexcept nogil:
    """One step over a chunk; the loops are those of whole columns."""
    cdef:
        Operand a = operand_of(step, 0, registers)
        Operand b = operand_of(step, 1, registers)
        int128* result = <int128*> registers[target].rows
        Codes by_code
        const StepTable* table
        total_t total = no_total()
        int status = OK
    if step.kind == ADD or step.kind == SUBTRACT:
        return add_rows(a, b, step.kind == SUBTRACT, result, length) == length
    if step.kind == MULTIPLY:
        return multiply_rows(a, b, result, length, &total) == length
    if step.kind == CHOOSE:
        compare_rows(a, b, step.detail, truths, length)
        a, b = operand_of(step, 2, registers), operand_of(step, 3, registers)
        return choose_rows(truths, a, b, result, length) == length
    if step.kind == DIVIDE:
        return divide_rows(a.rows, b.rows, step.detail, step.mode, result, 0, length, &status) == length
    table = &tables[step.table]
    by_code = codes_of(step, codes, table.length)
    if step.kind == ROUND:
        return apply_ratios(a.rows, by_code, table.ratios, step.mode, result, 0, length, &status) == length
    if take_rows(table.entries, by_code, result, length) < length:
        return False
    return table.complete or check_range(result, length) == length


cdef inline Operand operand_of(const Step* step, int position, const Operand* registers) noexcept nogil:
    cdef Operand operand = registers[step.registers[position]]
    operand.exponent = step.exponents[position]
    return operand


cdef inline Codes codes_of(const Step* step, const Codes* codes, int64_t limit) noexcept nogil:
    if step.codes < 0:
        return Codes(NULL, False, limit)
    return Codes(codes[step.codes].data, codes[step.codes].wide, limit)


# ---- a row ---------------------------------------------------------------------------------------------------

cdef int run_row(
    const Step* steps,
    Py_ssize_t count,
    Py_ssize_t first,
    Cell* cells,
    const StepTable* tables,
    const Codes* codes,
    Py_ssize_t row,
    int128* result,
) noexcept nogil:
    cdef Py_ssize_t index
    for index in range(count):
        cells[first + index].status = run_cell(&steps[index], cells, &cells[first + index].value, tables, codes, row)
    if cells[first + count - 1].status != OK:
        return cells[first + count - 1].status
    return narrowed(&cells[first + count - 1].value, result)


cdef int run_cell(
    const Step* step, const Cell* cells, wide_t* result, const StepTable* tables, const Codes* codes, Py_ssize_t row
) noexcept nogil:
    """One step of one row; a status."""
    cdef:
        wide_t a, b
        int status, kept
    if step.kind == TAKE:
        return take_cell(step, &tables[step.table], codes, row, result)
    status = cell_of(step, 0, cells, &a)
    if status != OK:
        return status
    if step.kind == ROUND:
        return round_cell(step, &tables[step.table], codes, row, &a, result)
    status = cell_of(step, 1, cells, &b)
    if status != OK:
        return status
    if step.kind == MULTIPLY:
        return wide_multiply(&a, &b, result)
    if step.kind == DIVIDE:
        return wide_divide(&a, &b, step.detail, step.mode, result)
    if step.kind == CHOOSE:
        kept = 2 if step.detail >> (wide_compare(&a, &b) + 1) & 1 else 3
        return cell_of(step, kept, cells, result)
    return wide_add(&a, &b, step.kind == SUBTRACT, result)


cdef inline int cell_of(const Step* step, int position, const Cell* cells, wide_t* value) noexcept nogil:
    cdef const Cell* cell = &cells[step.registers[position]]
    if cell.status != OK:
        return cell.status
    value[0] = cell.value
    return wide_scale_up(value, step.exponents[position])


cdef int take_cell(
    const Step* step, const StepTable* table, const Codes* codes, Py_ssize_t row, wide_t* result
) noexcept nogil:
    cdef int64_t code = code_at(codes_of(step, codes, table.length), row)
    if not 0 <= code < table.length:
        return BAD_CODE
    result[0] = widened(table.entries[code])
    return OK if in_range(table.entries[code]) else BEYOND


cdef int round_cell(
    const Step* step, const StepTable* table, const Codes* codes, Py_ssize_t row, const wide_t* value, wide_t* result
) noexcept nogil:
    cdef int64_t code = code_at(codes_of(step, codes, table.length), row)
    if not 0 <= code < table.length:
        return BAD_CODE
    return wide_apply_ratio(value, &table.ratios[code], step.mode, result)

"""Formulas made for certain operands: programs over columns and over single records.

A program is a list of steps on integers; what units, scales and constants amount to was worked out by whoever
planned it. Columns are computed in chunks of 128-bit integers that stay in cache. Rows that leave 128 bits
are computed one by one in 256, as single records are, and what leaves those too, or fails, is handed to
`exact`: plain Python, which is right for every number and says what is wrong with a row.
"""

from decimal import Context, Decimal

from cython cimport final
from libc.stdint cimport int64_t
from libc.stdlib cimport calloc, free

from greenlang_core.buffers cimport Borrowed, Memory, allocate, integers_of
from greenlang_core.conversions cimport parse_text, rows_from_integers, to_integer, to_row
from greenlang_core.decimal_loops cimport Codes, Operand
from greenlang_core.decimals cimport DecimalColumn, column_of
from greenlang_core.formula_steps cimport CHUNK_ROWS, MOST_OPERANDS, Cell, Step, StepTable, run_chunk, run_row
from greenlang_core.ratios cimport Ratios
from greenlang_core.rows cimport Rows, begin, codes_in, finish, memory_of
from greenlang_core.validity cimport Validity, both, is_valid
from greenlang_core.wide cimport INEXACT, MAX_DIGITS, NOT_A_NUMBER, OK, fits_word, from_words, int128, low_word
from greenlang_core.wider cimport widened


#: An integer, shifted, becomes a Decimal in half the time of a text. 76 digits lose none of a column's 38.
cdef object SHIFTED = Context(prec=2 * MAX_DIGITS).scaleb

#: Places of a record's operands are rounded up to a multiple of this, so that few programs serve all records.
cdef int PLACES_STEP = 6

#: Programs that are kept for records of different places.
cdef int KEPT_PROGRAMS = 64


@final
cdef class Program:
    """The steps of a formula for operands of these scales.

    Parameters
    ----------
    scales : sequence of int
        Of the operands with a value for every row, which are registers 0 and up.
    constants : sequence of int
        Registers after these.
    steps : sequence of tuple
        ``(kind, registers, exponents, detail, mode, table, codes)``, as `formula_steps.pxd` describes them.
        Each adds a register; the last is the result.
    tables : sequence of list
        Ratios as ``(numerator, denominator)``; or integers, None for one that leaves its rows to `exact`, as
        integers of more than 38 digits and ratios past 128 bits do.
    scale : int
        Of the result.
    """

    def __cinit__(self, scales, constants, steps, tables, int scale):
        cdef Py_ssize_t index
        cdef Memory constant_rows = rows_from_integers(list(constants))
        self.scales = tuple(scales)
        self.scale = scale
        self.shift = Decimal(-scale)
        self.kept = [constant_rows]
        self.constants = constant_rows.rows
        self.constant_count = constant_rows.length
        self.count = len(steps)
        self.first = len(self.scales) + self.constant_count
        self.steps = <Step*> calloc(max(self.count, 1), sizeof(Step))
        self.tables = <StepTable*> calloc(max(len(tables), 1), sizeof(StepTable))
        self.cells = <Cell*> calloc(self.first + self.count, sizeof(Cell))
        if self.steps == NULL or self.tables == NULL or self.cells == NULL:
            raise MemoryError(f"a program of {self.count} steps does not fit in memory")
        for index, step in enumerate(steps):
            self.set_step(index, step)
        for index, table in enumerate(tables):
            self.set_table(index, table)
        self.load_constants(self.cells)

    def __dealloc__(self):
        free(self.steps)
        free(self.tables)
        free(self.cells)

    def of_columns(self, columns, codes, exact, *, out=None):
        """The result for every row.

        Parameters
        ----------
        columns : sequence of DecimalColumn
            The operands, of the scales that the program was made for.
        codes : sequence of integer arrays
            What rows take from tables by.
        exact : callable
            Gives the unscaled result of a row that 256 bits do not hold, or raises what is wrong with it.
        out : DecimalColumn, optional
            A column to write over, as for `DecimalColumn.multiply`.

        A row is null where any of its operands is.
        """
        cdef:
            Py_ssize_t length = common_rows(columns, codes), row = 0
            ColumnRun run = ColumnRun(self, list(columns), [integers_of(one, "code") for one in codes])
            Rows result = begin(columns[0] if columns else column_of(allocate(0), 0), None, out, length)
            int128* memory = memory_of(result)
        if out is not None and any([out is column for column in columns]):
            raise ValueError("out is an operand too; give another column")
        while True:
            with nogil:
                row = run.until_stuck(memory, row, length)
            if row == length:
                return finish(result, length, self.scale, run.validity)
            if not to_row(exact(row), &memory[row]):
                raise OverflowError(f"row {row}: the exact result has more than {MAX_DIGITS} digits")
            row += 1

    cdef int set_step(self, Py_ssize_t index, object step) except -1:
        cdef:
            Step* target = &self.steps[index]
            int position
        target.kind, registers, exponents, target.detail, target.mode, target.table, target.codes = step
        if len(registers) > MOST_OPERANDS or any([register >= self.first + index for register in registers]):
            raise ValueError(f"step {index} reads registers {registers}; give at most {MOST_OPERANDS} before it")
        for position, (register, exponent) in enumerate(zip(registers, exponents, strict=True)):
            target.registers[position] = register
            target.exponents[position] = exponent
        return 0

    cdef int set_table(self, Py_ssize_t index, object table) except -1:
        cdef:
            StepTable* target = &self.tables[index]
            Ratios ratios
            Memory entries
            Py_ssize_t code
        target.length = len(table)
        target.complete = True
        if table and any([isinstance(entry, tuple) for entry in table]):
            ratios = Ratios(list(table))
            target.ratios = ratios.entries
            self.kept.append(ratios)
            return 0
        entries = allocate(len(table))
        for code, entry in enumerate(table):
            if entry is None or not to_row(entry, &entries.rows[code]):
                entries.rows[code] = from_words(-(1 << 63), 0)
                target.complete = False
        target.entries = entries.rows
        self.kept.append(entries)
        return 0

    cdef void load_constants(self, Cell* cells) noexcept nogil:
        cdef Py_ssize_t index
        for index in range(self.constant_count):
            cells[self.first - self.constant_count + index].value = widened(self.constants[index])
            cells[self.first - self.constant_count + index].status = OK


@final
cdef class ColumnRun:
    """The memory of one run over columns: a program itself may run in several threads at once."""

    cdef Program program
    cdef list held                      # columns and codes
    cdef const int128** columns
    cdef Codes* codes
    cdef Codes* window                  # the same, of one chunk
    cdef Py_ssize_t code_count
    cdef Operand* registers
    cdef Memory scratch                 # a chunk of rows for each step but the last, and one of truths
    cdef Cell* cells
    cdef Validity validity

    def __cinit__(self, Program program, list columns, list codes):
        cdef:
            Py_ssize_t index, registers = program.first + program.count
            DecimalColumn column
        self.program = program
        self.held = [columns, codes]
        self.code_count = len(codes)
        self.columns = <const int128**> calloc(max(len(columns), 1), sizeof(int128*))
        self.codes = <Codes*> calloc(max(len(codes), 1), sizeof(Codes))
        self.window = <Codes*> calloc(max(len(codes), 1), sizeof(Codes))
        self.registers = <Operand*> calloc(registers, sizeof(Operand))
        self.cells = <Cell*> calloc(registers, sizeof(Cell))
        self.scratch = allocate((program.count + 1) * CHUNK_ROWS)
        if not (self.columns and self.codes and self.window and self.registers and self.cells):
            raise MemoryError(f"a program of {program.count} steps does not fit in memory")
        for index, column in enumerate(columns):
            if column.scale != program.scales[index]:
                raise ValueError(f"operand {index} has scale {column.scale}, the program is for {program.scales[index]}")
            self.columns[index] = column.rows
            self.validity = both(self.validity, column.validity)
        for index, code_rows in enumerate(codes):
            self.codes[index] = codes_in(<Borrowed?> code_rows, 0)
        for index in range(program.constant_count):
            self.registers[len(columns) + index] = Operand(&program.constants[index], 0, 0)
        for index in range(program.count):
            self.registers[program.first + index] = Operand(self.scratch.rows + index * CHUNK_ROWS, 1, 0)
        program.load_constants(self.cells)

    def __dealloc__(self):
        free(self.columns)
        free(self.codes)
        free(self.window)
        free(self.registers)
        free(self.cells)

    cdef Py_ssize_t until_stuck(self, int128* result, Py_ssize_t start, Py_ssize_t length) noexcept nogil:
        """Compute rows from `start`; the first that 256 bits do not hold or that fails, `length` if none."""
        cdef:
            unsigned char* truths = <unsigned char*> (self.scratch.rows + self.program.count * CHUNK_ROWS)
            Py_ssize_t columns = self.program.first - self.program.constant_count, index, row, stop
        while start < length:
            stop = min(start + CHUNK_ROWS, length)
            for index in range(columns):
                self.registers[index] = Operand(self.columns[index] + start, 1, 0)
            for index in range(self.code_count):
                self.window[index] = self.codes[index]
                self.window[index].data = (<const char*> self.codes[index].data) + start * (
                    8 if self.codes[index].wide else 4
                )
            self.registers[self.program.first + self.program.count - 1].rows = result + start
            if not run_chunk(
                self.program.steps, self.program.count, self.program.first, self.registers, self.program.tables,
                self.window, truths, stop - start,
            ):
                row = self.row_by_row(result, start, stop)
                if row < stop:
                    return row
            start = stop
        return length

    cdef Py_ssize_t row_by_row(self, int128* result, Py_ssize_t start, Py_ssize_t stop) noexcept nogil:
        cdef:
            Py_ssize_t columns = self.program.first - self.program.constant_count, index, row
        for row in range(start, stop):
            if self.validity is not None and not is_valid(self.validity.bits, self.validity.offset + row):
                continue
            for index in range(columns):
                self.cells[index].value = widened(self.columns[index][row])
            if run_row(
                self.program.steps, self.program.count, self.program.first, self.cells, self.program.tables,
                self.codes, row, &result[row],
            ) != OK:
                return row
        return stop


cdef Py_ssize_t common_rows(object columns, object codes) except -1:
    lengths = {len(one) for one in (*columns, *codes)}
    if len(lengths) != 1:
        raise ValueError(f"operands of {' and '.join(map(str, sorted(lengths)))} rows; give columns of one length")
    return lengths.pop()


# ---- single records ------------------------------------------------------------------------------------------

@final
cdef class RecordFormula:
    """A formula as a function of Decimals and integers, in the order of its operands.

    Parameters
    ----------
    names : sequence of str
        Of the operands.
    plan : callable
        Makes a `Program` for a tuple of scales.
    exact : callable
        Takes a tuple of values in order and gives the result as a Decimal, or raises what is wrong with them:
        called for what 256 bits do not hold, and for whatever is neither a Decimal nor an integer.
    """

    cdef tuple names
    cdef object plan
    cdef object exact
    cdef dict programs
    cdef Program program

    def __cinit__(self, names, plan, exact):
        self.names = tuple(names)
        self.plan = plan
        self.exact = exact
        self.programs = {}
        self.program = plan((PLACES_STEP,) * len(self.names))

    def __call__(self, *values):
        cdef:
            Program program
            int128 result
            int status
        if len(values) != len(self.names):
            raise TypeError(f"{len(values)} values are given; the operands are {', '.join(self.names)}")
        program = self.program
        status = load_record(program, values)
        if status == INEXACT:
            program = self.program_for(values)
            status = OK if program is None else load_record(program, values)
        if status != OK or program is None:
            return self.exact(values)
        status = run_row(
            program.steps, program.count, program.first, program.cells, program.tables, NULL, 0, &result
        )
        if status != OK:
            return self.exact(values)
        unscaled = <int64_t> low_word(result) if fits_word(result) else to_integer(result)
        return SHIFTED(unscaled, program.shift)

    cdef Program program_for(self, tuple values):
        """One for the places that a record has, kept for the next; None past those of a column."""
        places = tuple([places_of(value) for value in values])
        if max(places) > MAX_DIGITS:
            return None
        program = self.programs.get(places)
        if program is None:
            if len(self.programs) == KEPT_PROGRAMS:
                self.programs.clear()
            program = self.programs[places] = self.plan(places)
        self.program = program
        return program


cdef int load_record(Program program, tuple values) except -1:
    """Fill the cells of the operands; a status of `parse_decimal`, OVERFLOW too for what is no number."""
    cdef:
        Py_ssize_t index
        int status
        int128 row
    for index in range(len(values)):
        value = values[index]
        if type(value) is not Decimal and type(value) is not int:
            return NOT_A_NUMBER
        status = parse_text(str(value), program.scales[index], &row)
        if status != OK:
            return status
        program.cells[index].value = widened(row)
        program.cells[index].status = OK
    return OK


cdef int places_of(object value) except -1:
    """Places for a value, rounded up; more than a column has for what is left to `exact`."""
    if type(value) is int:
        return 0
    if type(value) is not Decimal or not value.is_finite():
        return MAX_DIGITS + 1
    places = max(0, -value.as_tuple().exponent)
    return places if places > MAX_DIGITS else min(-(-places // PLACES_STEP) * PLACES_STEP, MAX_DIGITS)

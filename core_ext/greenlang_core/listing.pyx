"""A JSON list with an object for each row of a result, from columns: no Python object for a row or a figure."""

from libc.stdint cimport int32_t, int64_t
from libc.stdio cimport snprintf
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy

from greenlang_core.buffers cimport Borrowed, integers_of
from greenlang_core.digits cimport TEXT_SIZE, format_decimal
from greenlang_core.output cimport Output, begin, bytes_of, discard, put, reserve
from greenlang_core.wide cimport int128


cdef extern from "json_text.h" nogil:
    enum:
        ESCAPED_SIZE "GL_ESCAPED_SIZE"
    char* write_escaped "gl_write_escaped" (char* target, const char* text, size_t length)

cdef extern from "Python.h":
    const char* PyUnicode_AsUTF8AndSize(object text, Py_ssize_t* size) except NULL

cdef enum:
    FIGURE_SIZE = 16            # bytes
    NUMBER_SIZE = 21            # of the digits of 64 bits, a sign and the byte that ends them
    FIGURE_ROOM = TEXT_SIZE + 4 # quotes, a comma and the brace that may follow
    BYTES_OF_A_ROW = 200        # where to begin; what is too small grows


cdef struct Series:
    const char* name            # '"scope1.CO2":'
    Py_ssize_t name_size
    const int32_t* rows         # NULL where every row has a figure
    const char* figures
    Py_ssize_t count
    Py_ssize_t next


def write_rows(ids, codes, list series, list endings, dict others, *, int scale, int64_t first_number):
    """The list, an object `{"row", "id", "status": "computed", "figures": {...}` and an ending for each row.

    Parameters
    ----------
    ids : sequence of str
        One a row.
    codes : int32 array
        Which of the endings each row has.
    series : list of (bytes, int32 array or None, buffer)
        A name as JSON with its colon; the rows from 0, ascending, that have a figure, None for all of them; 16 bytes
        for each figure.
    endings : list of bytes
        What stands behind the figures, up to the brace that closes the object.
    others : dict of int to bytes
        Whole objects, by row from 0, for rows that are told differently.
    scale : int
        Places of the figures; zeros at their end are left out.
    first_number : int
        What the first row is called.

    Raises
    ------
    ValueError
        If columns differ in length.
    """
    cdef:
        Py_ssize_t count = len(ids), row, width = len(series), column
        Borrowed code_rows = integers_of(codes, "codes")
        const int32_t* code = <const int32_t*> code_rows.view.buf
        list held = []
        Series* columns = NULL
        Output output
    if code_rows.view.itemsize != sizeof(int32_t) or code_rows.items != count:
        raise ValueError(f"{code_rows.items} codes for {count} rows")
    begin(&output, count * BYTES_OF_A_ROW + 2)
    try:
        columns = <Series*> malloc((width or 1) * sizeof(Series))
        if columns == NULL:
            raise MemoryError(f"{width} series")
        for column in range(width):
            held.append(series_of(&columns[column], series[column], count))
        put(&output, b"[", 1)
        for row in range(count):
            if row:
                put(&output, b",", 1)
            if row in others:
                pass_by(columns, width, row)
                put_bytes(&output, others[row])
            else:
                put_row(&output, columns, width, row, first_number + row, ids[row], scale)
                put_bytes(&output, endings[code[row]])
        put(&output, b"]", 1)
        return bytes_of(&output)
    finally:
        discard(&output)
        free(columns)


cdef tuple series_of(Series* column, tuple given, Py_ssize_t count):
    """Read where a series lies; gives what has to be held as long as it is read."""
    cdef Borrowed rows = None, figures
    name, rows_given, figures_given = given
    figures = Borrowed(figures_given)
    column.name, column.name_size = <const char*> <bytes> name, len(name)
    column.figures, column.count, column.next = <const char*> figures.view.buf, count, 0
    column.rows = NULL
    if rows_given is not None:
        rows = integers_of(rows_given, "rows")
        if rows.view.itemsize != sizeof(int32_t):
            raise ValueError("rows of a series are int32")
        column.rows, column.count = <const int32_t*> rows.view.buf, rows.items
    if figures.view.len != column.count * FIGURE_SIZE:
        raise ValueError(f"{figures.view.len} bytes of figures for {column.count} rows")
    return name, rows, figures


cdef int put_row(
    Output* output, Series* columns, Py_ssize_t width, Py_ssize_t row, int64_t number, str identifier, int scale
) except -1:
    cdef:
        Py_ssize_t size, column
        const char* coded = PyUnicode_AsUTF8AndSize(identifier, &size)
        bint any_figure = False
        int128 figure
        char digits[TEXT_SIZE]
        char* start
        char* end
        char* target
    target = reserve(output, 64 + NUMBER_SIZE + ESCAPED_SIZE * size)
    target += snprintf(target, 8 + NUMBER_SIZE, b'{"row":%lld', <long long> number)
    memcpy(target, b',"id":"', 7)
    target = write_escaped(target + 7, coded, size)
    memcpy(target, b'","status":"computed"', 21)
    output.size = target + 21 - output.data
    for column in range(width):
        if not has_figure(&columns[column], row):
            continue
        target = reserve(output, 12 + columns[column].name_size + FIGURE_ROOM)
        if any_figure:
            target[0] = c","
            target += 1
        else:
            memcpy(target, b',"figures":{', 12)
            target += 12
        any_figure = True
        memcpy(target, columns[column].name, columns[column].name_size)
        target += columns[column].name_size
        memcpy(&figure, columns[column].figures + columns[column].next * FIGURE_SIZE, FIGURE_SIZE)
        columns[column].next += 1
        start, end = format_decimal(figure, scale, digits), digits + TEXT_SIZE
        if scale > 0:
            while (end - 1)[0] == c"0":
                end -= 1
            if (end - 1)[0] == c".":
                end -= 1
        target[0] = c'"'
        memcpy(target + 1, start, end - start)
        target += 1 + (end - start)
        target[0] = c'"'
        output.size = target + 1 - output.data
    if any_figure:
        put(output, b"}", 1)
    return 0


cdef inline bint has_figure(Series* column, Py_ssize_t row) noexcept nogil:
    return column.next < column.count and (column.rows == NULL or column.rows[column.next] == row)


cdef void pass_by(Series* columns, Py_ssize_t width, Py_ssize_t row) noexcept nogil:
    """Leave out what a row has, which is told differently."""
    cdef Py_ssize_t column
    for column in range(width):
        columns[column].next += has_figure(&columns[column], row)


cdef int put_bytes(Output* output, bytes piece) except -1:
    return put(output, <const char*> piece, len(piece))

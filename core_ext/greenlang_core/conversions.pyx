"""Numbers and text of Python to and from rows; what is not exact is refused."""

from decimal import Decimal

from greenlang_core.refusals import DecimalOverflow, DecimalTextError, float_refusal, integer_of, is_float

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.stdint cimport int64_t, uint64_t

from greenlang_core.buffers cimport Borrowed, Memory, allocate, has_word_integers, integer_at
from greenlang_core.digits cimport TEXT_SIZE, format_decimal, parse_decimal
from greenlang_core.texts cimport Texts
from greenlang_core.wide cimport (
    INEXACT, MAX_DIGITS, NOT_A_NUMBER, OK, from_word, from_words, high_word, int128, low_word, total_t, total_word,
)


cdef extern from "Python.h":
    bint PyUnicode_IS_ASCII(object text)
    const char* PyUnicode_DATA(object text)
    Py_ssize_t PyUnicode_GET_LENGTH(object text)
    str PyUnicode_FromStringAndSize(const char* text, Py_ssize_t size)


cdef object WORD = (1 << 64) - 1
cdef object LIMIT = 10 ** <object> MAX_DIGITS - 1

#: Integers past this are never converted to text, which would take quadratic time.
cdef int WIDEST_INTEGER = 1_000  # bits

#: How much of a refused text a message shows.
cdef int SHOWN = 60


# ---- one number ----------------------------------------------------------------------------------------

cdef bint to_row(object value, int128* row) except -1:
    """Store a Python integer; False if it has more than 38 digits."""
    if not -LIMIT <= value <= LIMIT:
        return False
    row[0] = from_words(<int64_t> (value >> 64), <uint64_t> (value & WORD))
    return True


cdef object to_integer(int128 row):
    return (<object> high_word(row) << 64) | low_word(row)


cdef object total_to_integer(const total_t* total):
    high = <int64_t> total_word(total, 2)
    return (((<object> high << 64) | total_word(total, 1)) << 64) | total_word(total, 0)


cdef object to_decimal(object unscaled, int scale):
    """A Python integer at `scale` places, exact whatever the caller's decimal context."""
    return Decimal(f"{unscaled}E{-scale}")


cdef str to_text(int128 row, int scale):
    cdef:
        char buffer[TEXT_SIZE]
        char* start = format_decimal(row, scale, buffer)
    return PyUnicode_FromStringAndSize(start, buffer + TEXT_SIZE - start)


cdef str to_trimmed_text(int128 row, int scale):
    cdef:
        char buffer[TEXT_SIZE]
        char* start = format_decimal(row, scale, buffer)
        char* end = buffer + TEXT_SIZE
    if scale > 0:
        while (end - 1)[0] == c"0":
            end -= 1
        if (end - 1)[0] == c".":
            end -= 1
    return PyUnicode_FromStringAndSize(start, end - start)


cdef int parse_text(object text, int scale, int128* row) except -1:
    """`parse_decimal` of a str or bytes; a status."""
    if isinstance(text, str):
        if not PyUnicode_IS_ASCII(text):
            return NOT_A_NUMBER
        return parse_decimal(PyUnicode_DATA(text), PyUnicode_GET_LENGTH(text), scale, row)
    if isinstance(text, bytes):
        return parse_decimal(PyBytes_AS_STRING(text), PyBytes_GET_SIZE(text), scale, row)
    raise TypeError(f"{text!r} is not text")


cdef str number_text(object value, Py_ssize_t row):
    """Digits of a Decimal or an integer; `TypeError` for all that is neither. `row` is -1 for a scalar."""
    if isinstance(value, Decimal):
        return Decimal.__str__(value)
    place = "" if row < 0 else place_of("", row)
    if is_float(value):
        raise float_refusal(value, place)
    if isinstance(value, str):
        raise TypeError(f"{place}{value!r} is text; write Decimal({value!r}) or use from_strings")
    integer = integer_of(value, place)
    if integer.bit_length() > WIDEST_INTEGER:
        raise DecimalOverflow(
            f"{place}{integer_shown(integer)} has more than {MAX_DIGITS} digits", None if row < 0 else row
        )
    return str(integer)


cdef int scalar_to_row(object value, int128* row) except -1:
    """Store a Decimal or integer with the scale that it was written with, which is returned."""
    cdef:
        str text = number_text(value, -1)
        int scale = 0
        int status
    if isinstance(value, Decimal):
        exponent = value.as_tuple().exponent
        if not isinstance(exponent, int):
            raise ValueError(f"{value} is not a finite number")
        if -exponent > MAX_DIGITS:
            raise ValueError(f"{value} has {-exponent} decimal places; a column holds {MAX_DIGITS}: round it first")
        scale = max(0, -exponent)
    status = parse_text(text, scale, row)
    if status != OK:
        raise DecimalOverflow(f"{shown(text)} has more than {MAX_DIGITS} digits")
    return scale


# ---- many ----------------------------------------------------------------------------------------------

cdef Memory rows_from_strings(object values, int scale, str name):
    if isinstance(values, (str, bytes)):
        raise TypeError(f"{shown(str(values))!r} is one text; give a list of them")
    if isinstance(values, Texts):
        return rows_from_texts(values, scale, name)
    cdef:
        tuple items = tuple(values)  # a copy: converting an item may run code of the caller's
        Py_ssize_t row = 0
        Memory memory = allocate(len(items))
        int status
    for item in items:
        if not isinstance(item, (str, bytes)):
            place = place_of(name, row)
            if is_float(item):
                raise TypeError(f"{place}{item!s} is a float; write '{item!s}'")  # formats widen floats of 32 bits
            raise TypeError(f"{place}{item!r} is not text; use from_decimals for numbers")
        status = parse_text(item, scale, &memory.rows[row])
        if status != OK:
            text = item if isinstance(item, str) else item.decode("utf-8", "backslashreplace")
            raise DecimalTextError(place_of(name, row) + text_problem(text, scale, status), row, text)
        row += 1
    return memory


cdef Memory rows_from_texts(Texts texts, int scale, str name):
    """`rows_from_strings` of texts that lie in memory: no Python object for a number."""
    cdef:
        Py_ssize_t row, failed = -1
        Memory memory = allocate(texts.length)
        const int64_t* starts = texts.starts()
        const char* data = texts.bytes_of()
        int status = OK
    with nogil:
        for row in range(texts.length):
            status = parse_decimal(data + starts[row], starts[row + 1] - starts[row], scale, &memory.rows[row])
            if status != OK:
                failed = row
                break
    if failed >= 0:
        text = texts.text(failed)
        raise DecimalTextError(place_of(name, failed) + text_problem(text, scale, status), failed, text)
    return memory


cdef Memory rows_from_decimals(object values, int scale):
    cdef:
        tuple items = tuple(values)  # a copy: converting an item may run code of the caller's
        Py_ssize_t row = 0
        Memory memory = allocate(len(items))
        int status
    for item in items:
        text = number_text(item, row)
        status = parse_text(text, scale, &memory.rows[row])
        if status == NOT_A_NUMBER:
            raise ValueError(f"row {row}: {shown(text)} is not a finite number")
        if status == INEXACT:
            raise ValueError(place_of("", row) + text_problem(text, scale, status))
        if status != OK:
            raise DecimalOverflow(place_of("", row) + text_problem(text, scale, status), row)
        row += 1
    return memory


cdef Memory rows_from_integers(object values):
    """Rows whose unscaled integers are `values`."""
    cdef:
        Borrowed words
        Memory memory
        Py_ssize_t row
        bint wide
    if has_word_integers(values):
        words = Borrowed(values)
        memory = allocate(words.items)
        wide = words.view.itemsize == 8
        with nogil:
            for row in range(words.items):
                memory.rows[row] = from_word(integer_at(words.view.buf, wide, row))
        return memory
    items = tuple(values)
    memory = allocate(len(items))
    for row, item in enumerate(items):
        value = item if type(item) is int else integer_of(item, f"row {row}: ")
        if not to_row(value, &memory.rows[row]):
            raise DecimalOverflow(f"row {row}: {integer_shown(value)} has more than {MAX_DIGITS} digits", row)
    return memory


# ---- what is said of text that is refused ------------------------------------------------------------------

cdef str place_of(str name, Py_ssize_t row):
    return f"{name}, row {row}: " if name else f"row {row}: "


cdef str shown(str text):
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


cdef str integer_shown(object value):
    if value.bit_length() > WIDEST_INTEGER:
        return f"an integer of {value.bit_length()} bits"
    return shown(str(value))


cdef str text_problem(str text, int scale, int status):
    """Value, rule and mend for one refused text."""
    value = repr(shown(text))
    if status == INEXACT:
        return f"{value} has more than {scale} decimal places; round it, or use a larger scale"
    if status != NOT_A_NUMBER:
        return f"{value} needs more than {MAX_DIGITS} digits at scale {scale}; use a smaller scale or a larger unit"
    if not text:
        return "empty text is not a decimal number; write digits, or 0"
    if "," in text:
        return f"{value} is not a decimal number; write it with a decimal point and without thousands separators"
    return f"{value} is not a decimal number; write digits with at most one decimal point, like 1234.5"

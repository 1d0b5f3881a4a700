"""The bytes that hashes cover, straight from columns: no Python object for a cell or a figure.

`RangeBytes` is written piece by piece and handed to hashlib as it stands. `greenlang.ledger` says what belongs
into a range and has the same in plain Python, which tests compare.
"""

from cpython.buffer cimport PyBUF_WRITABLE, PyBuffer_FillInfo
from cython cimport final
from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memcpy, memset

from greenlang_core.buffers cimport Borrowed, integer_at
from greenlang_core.texts cimport PAD, Texts


cdef extern from "json_text.h" nogil:
    enum:
        ESCAPED_SIZE "GL_ESCAPED_SIZE"
    char* write_escaped "gl_write_escaped" (char* target, const char* text, size_t length)

cdef enum:
    FIGURE_SIZE = 16            # bytes
    SMALLEST_ROOM = 4096


cdef struct Cells:              # a column of texts, to be read row by row
    const int32_t* codes
    const int64_t* starts
    const char* data
    bint plain


@final
cdef class RangeBytes:
    """Memory that grows as it is written and is used again for the next range; its bytes are a buffer."""

    def __dealloc__(self):
        free(self._data)

    def __len__(self):
        return self._size

    def clear(self):
        """Begin again; `BufferError` while a view of the bytes is held."""
        if self._views:
            raise BufferError("the bytes of the last range are still in use")
        self._size = 0

    def put(self, bytes piece):
        """Write bytes as they are."""
        cdef Py_ssize_t size = len(piece)
        memcpy(self.reserve(size), <const char*> piece, size)
        self._size += size

    def put_cells(self, codes, Texts texts not None, Py_ssize_t first, Py_ssize_t count, *, bint quoted=True):
        """Write some rows of a column as a JSON array, behind its length in 8 bytes.

        Parameters
        ----------
        codes : int32 array
            Which text stands in each row.
        quoted : bool
            False where the texts are JSON themselves.
        """
        cdef:
            Borrowed rows = codes_of(codes, first, count)
            const int32_t* here = <const int32_t*> rows.view.buf + first
            Py_ssize_t start
        memset(self.reserve(sizeof(uint64_t)), 0, sizeof(uint64_t))
        self._size += sizeof(uint64_t)
        start = self._size
        self.reserve(2 + PAD + 3 * count + size_of_cells(here, texts, first, count, texts.plain or not quoted))
        self.fill_cells(here, texts, count, quoted)
        write_length(self._data + start - sizeof(uint64_t), self._size - start)

    def put_rows(self, list columns, Py_ssize_t first, Py_ssize_t count):
        """Write rows of a table, a JSON array of texts each, with commas between them.

        Parameters
        ----------
        columns : list of (int32 array, Texts)
            Codes and texts of each column, at least one.
        """
        cdef:
            Py_ssize_t width = len(columns), column, row, most
            int64_t text, size
            list held = []
            Cells* cells
            char* target
        if width < 1:
            raise ValueError("rows of no columns")
        cells = <Cells*> malloc(width * sizeof(Cells))
        if cells == NULL:
            raise MemoryError(f"{width} columns")
        try:
            most = PAD + count * (2 * width + 3 * width)  # brackets, commas and quotes
            for column, (codes, texts) in enumerate(columns):
                held.append(codes_of(codes, first, count))
                most += cells_of(&cells[column], held[column], texts, first, count)
            target = self.reserve(most)
            for row in range(count):
                if row:
                    target[0] = c","
                    target += 1
                target[0] = c"["
                for column in range(width):
                    text = cells[column].codes[row]
                    size = cells[column].starts[text + 1] - cells[column].starts[text]
                    # The bracket or comma before a cell, and its quotes.
                    target[1] = c'"'
                    target = write_text(target + 2, cells[column].data + cells[column].starts[text], size, cells[column].plain)
                    target[0] = c'"'
                    target[1] = c","
                    target += 1
                target[0] = c"]"
                target += 1
            self._size = target - self._data
        finally:
            free(cells)

    def put_figures(self, rows, figures, Py_ssize_t low, int64_t first, Py_ssize_t count):
        """Write which of `count` rows from `first` have a figure, a bit each, and 16 bytes for every row.

        Parameters
        ----------
        rows : int32 or int64 array
            The rows that have one, ascending, from all of a result.
        figures : buffer
            16 bytes for each of them.
        low : int
            Where in `rows` these rows begin.

        Returns
        -------
        int
            Where the rows behind them begin.

        Raises
        ------
        ValueError
            If the rows do not ascend.
        """
        cdef:
            Borrowed held = Borrowed(rows)
            Borrowed source = Borrowed(figures)
            bint wide = held.view.itemsize == sizeof(int64_t)
            Py_ssize_t marks = (count + 7) >> 3, place, last = -1, next_low = low
            const char* values = <const char*> source.view.buf
            uint8_t* present = <uint8_t*> self.reserve(marks + count * FIGURE_SIZE)
            char* target = <char*> present + marks
        if held.view.itemsize not in (4, 8) or source.view.len != held.items * FIGURE_SIZE:
            raise ValueError(f"{source.view.len} bytes of figures for {held.items} rows")
        if not 0 <= low <= held.items:
            raise IndexError(f"row {low} of {held.items} that have figures")
        if is_run(held.view.buf, wide, held.items, low, first, count):
            memset(present, 0xFF, marks)
            if count & 7:
                present[marks - 1] = (1 << (count & 7)) - 1
            memcpy(target, values + low * FIGURE_SIZE, count * FIGURE_SIZE)
            next_low = low + count
        else:
            memset(present, 0, marks + count * FIGURE_SIZE)
            while next_low < held.items:
                place = integer_at(held.view.buf, wide, next_low) - first
                if place >= count:
                    break
                if place <= last:
                    raise ValueError(f"row {first + place} stands behind row {first + last}")
                present[place >> 3] |= 1 << (place & 7)
                memcpy(target + place * FIGURE_SIZE, values + next_low * FIGURE_SIZE, FIGURE_SIZE)
                last = place
                next_low += 1
        self._size += marks + count * FIGURE_SIZE
        return next_low

    def put_nothing(self, Py_ssize_t count):
        """What `put_figures` writes where no row has a figure."""
        cdef Py_ssize_t size = ((count + 7) >> 3) + count * FIGURE_SIZE
        memset(self.reserve(size), 0, size)
        self._size += size

    def __getbuffer__(self, Py_buffer* view, int flags):
        if flags & PyBUF_WRITABLE:
            raise BufferError("the bytes of a range are only read")
        PyBuffer_FillInfo(view, self, self._data, self._size, 1, flags)
        self._views += 1

    def __releasebuffer__(self, Py_buffer* view):
        self._views -= 1

    cdef char* reserve(self, Py_ssize_t size) except NULL:
        """Room for so many bytes more; gives where they begin."""
        cdef:
            Py_ssize_t room = self._room
            char* data
        if self._views:
            raise BufferError("the bytes of the last range are still in use")
        if self._size + size > room or self._data == NULL:
            room = max(self._size + size, room + (room >> 1), <Py_ssize_t> SMALLEST_ROOM)
            data = <char*> realloc(self._data, room)
            if data == NULL:
                raise MemoryError(f"{room} bytes of a range")
            self._data = data
            self._room = room
        return self._data + self._size

    cdef void fill_cells(self, const int32_t* codes, Texts texts, Py_ssize_t count, bint quoted) noexcept:
        """Write a JSON array of texts into room that is there."""
        cdef:
            Py_ssize_t row
            const int64_t* starts = texts.starts()
            const char* data = texts.bytes_of()
            bint as_they_are = texts.plain or not quoted
            int64_t text
            char* target = self._data + self._size
        target[0] = c"["
        for row in range(count):
            # The bracket or comma before the cell is there.
            target += 1
            text = codes[row]
            if quoted:
                target[0] = c'"'
                target += 1
            target = write_text(target, data + starts[text], starts[text + 1] - starts[text], as_they_are)
            if quoted:
                target[0] = c'"'
                target += 1
            target[0] = c","
        target += count == 0
        target[0] = c"]"
        self._size = target + 1 - self._data


cdef inline char* write_text(char* target, const char* text, int64_t size, bint plain) noexcept nogil:
    """Write a text without quotes, and into the PAD bytes behind it what comes next; gives the end."""
    if plain:
        # Most texts are short: copying a fixed size takes two instructions, and one of their own size a call.
        memcpy(target, text, PAD)
        if size > PAD:
            memcpy(target + PAD, text + PAD, size - PAD)
        return target + size
    return write_escaped(target, text, size)


cdef void write_length(char* target, uint64_t length) noexcept:
    """8 bytes, the lowest first, on any machine."""
    cdef int place
    for place in range(8):
        target[place] = <char> (length >> 8 * place & 0xFF)


cdef bint is_run(
    const void* rows, bint wide, Py_ssize_t length, Py_ssize_t low, int64_t first, Py_ssize_t count
) noexcept nogil:
    """Whether the rows from `low` are `first` and all that follow it, one by one."""
    cdef:
        Py_ssize_t row
        bint found = length - low >= count
    if not found or integer_at(rows, wide, low) != first or integer_at(rows, wide, low + count - 1) != first + count - 1:
        return False
    for row in range(count):
        found &= integer_at(rows, wide, low + row) == first + row
    return found


cdef Borrowed codes_of(object codes, Py_ssize_t first, Py_ssize_t count):
    cdef Borrowed rows = Borrowed(codes)
    if rows.view.itemsize != sizeof(int32_t):
        raise ValueError(f"codes of {rows.view.itemsize} bytes; give int32")
    if first < 0 or count < 0 or first + count > rows.items:
        raise IndexError(f"rows {first} to {first + count} of {rows.items}")
    return rows


cdef int64_t size_of_cells(
    const int32_t* codes, Texts texts, Py_ssize_t first, Py_ssize_t count, bint plain
) except -1:
    """The most bytes that the texts of some rows take."""
    cdef:
        Py_ssize_t row
        const int64_t* starts = texts.starts()
        int64_t text, size = 0
    for row in range(count):
        text = codes[row]
        if not 0 <= text < texts.length:
            raise IndexError(f"row {first + row} has code {text} of {texts.length} texts")
        size += starts[text + 1] - starts[text]
    return size if plain else size * ESCAPED_SIZE


cdef int64_t cells_of(Cells* cells, Borrowed codes, Texts texts, Py_ssize_t first, Py_ssize_t count) except -1:
    """Take down where a column is; gives the most bytes that its texts take in these rows."""
    cells.codes = <const int32_t*> codes.view.buf + first
    cells.starts = texts.starts()
    cells.data = texts.bytes_of()
    cells.plain = texts.plain
    return size_of_cells(cells.codes, texts, first, count, texts.plain)

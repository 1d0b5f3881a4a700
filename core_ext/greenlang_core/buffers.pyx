"""Memory that columns own, and integers that they read from outside."""

import sys
from array import array

from greenlang_core.refusals import integer_of

from cpython.buffer cimport PyBUF_CONTIG_RO, PyBuffer_Release, PyObject_GetBuffer
from cython cimport final

from greenlang_core.blocks cimport acquire, release
from greenlang_core.wide cimport int128


cdef Py_ssize_t MAX_ROWS = sys.maxsize // sizeof(int128)

cdef Py_ssize_t _live = 0


def live_memories() -> int:
    """How many allocations are held: tests see it return to where it was."""
    return _live


@final
cdef class Memory:
    """Rows of a column, freed with the last column over them."""

    def __dealloc__(self):
        global _live
        if self._block.start != NULL:
            release(self._block)
            _live -= 1


cdef Memory allocate(Py_ssize_t length):
    """Room for `length` rows, not initialised."""
    global _live
    cdef Memory memory = Memory.__new__(Memory)
    if length < 0:
        raise ValueError(f"{length} rows asked for; a column has none or more")
    if length <= MAX_ROWS:
        memory._block = acquire(max(length, 1) * sizeof(int128))
    if memory._block.start == NULL:
        raise MemoryError(f"a column of {length} rows does not fit in memory")
    memory.rows = <int128*> memory._block.start
    memory.length = length
    _live += 1
    return memory


@final
cdef class Borrowed:
    """Contiguous memory of somebody else's, which stays locked while this lives."""

    def __cinit__(self, source):
        PyObject_GetBuffer(source, &self.view, PyBUF_CONTIG_RO)
        self.items = self.view.len // max(self.view.itemsize, 1)

    def __dealloc__(self):
        PyBuffer_Release(&self.view)


cdef Borrowed integers_of(object source, str what):
    """Take a buffer of 32 or 64-bit signed integers as it is, and anything else item by item.

    Raises `TypeError` for floats and `OverflowError` past 64 bits, naming the row of `what`.
    """
    if has_word_integers(source):
        return Borrowed(source)
    words = array("q")
    for row, item in enumerate(source):
        value = integer_of(item, f"{what} row {row}: ")
        try:
            words.append(value)
        except OverflowError:
            raise OverflowError(f"{what} row {row}: {value} does not fit 64 bits") from None
    return Borrowed(words)


cdef bint has_word_integers(object source):
    """Whether `source` is a contiguous buffer of native signed 32 or 64-bit integers."""
    try:
        view = memoryview(source)
    except TypeError:  # not a buffer: a list, say
        return False
    return view.ndim == 1 and view.c_contiguous and view.format in ("i", "l", "q") and view.itemsize in (4, 8)

"""Memory that columns own, and integers that they read from outside."""

import sys
from array import array

from greenlang_core.refusals import integer_of

from cpython.buffer cimport PyBUF_CONTIG_RO, PyBuffer_Release, PyObject_GetBuffer
from cython cimport final
from libc.stdlib cimport free
from posix.stdlib cimport posix_memalign

from greenlang_core.wide cimport int128


cdef extern from *:
    """
    #include <sys/mman.h>
    #ifndef MADV_HUGEPAGE  /* macOS chooses by itself */
    #define MADV_HUGEPAGE 0
    #define madvise(start, size, advice) 0
    #endif
    """
    int MADV_HUGEPAGE
    int madvise(void* start, size_t size, int advice) nogil

cdef enum:
    CACHE_LINE = 64           # bytes, and the alignment that Arrow recommends
    HUGE_PAGE = 2 * 1024 * 1024
    LARGE = 2 * HUGE_PAGE     # the last page may be used in part only

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
        if self.rows != NULL:
            free(self.rows)
            _live -= 1


cdef Memory allocate(Py_ssize_t length):
    """Room for `length` rows, not initialised.

    Large blocks ask for huge pages: filling fresh memory is otherwise bound by page faults, at a third of
    the speed.
    """
    global _live
    cdef:
        Memory memory = Memory.__new__(Memory)
        void* rows = NULL
        size_t size
        bint large
    if length < 0:
        raise ValueError(f"{length} rows asked for; a column has none or more")
    if length > MAX_ROWS:
        raise MemoryError(f"a column of {length} rows does not fit in memory")
    size = max(length, 1) * sizeof(int128)
    large = size >= LARGE
    if posix_memalign(&rows, HUGE_PAGE if large else CACHE_LINE, size) != 0:
        raise MemoryError(f"a column of {length} rows does not fit in memory")
    if large:
        madvise(rows, size, MADV_HUGEPAGE)  # advice: a kernel without huge pages may refuse it
    memory.rows = <int128*> rows
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

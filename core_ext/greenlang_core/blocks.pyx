"""Blocks of memory for rows, kept for reuse when they are released.

Fresh memory is bound by page faults, not by arithmetic: a column of 100,000 rows took six times as long
into fresh pages as into pages touched before. So a few blocks of middling size are kept, and large ones ask
for huge pages, whose faults cost a fifth.
"""

from libc.stdlib cimport free
from posix.stdlib cimport posix_memalign


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
    KIB = 1024
    MIB = 1024 * 1024
    CACHE_LINE = 64             # bytes, and the alignment that Arrow recommends
    HUGE_PAGE = 2 * MIB
    LARGE = 2 * HUGE_PAGE       # its last huge page may be used in part only
    SMALLEST_KEPT = 64 * KIB    # the C library keeps smaller ones itself
    LARGEST_KEPT = 32 * MIB
    KEPT_IN_ALL = 64 * MIB
    SLOTS = 8

cdef Block[SLOTS] _kept         # an empty slot is all zero
cdef size_t _kept_size = 0
cdef int _oldest = 0            # slot that gives way next


def kept_bytes() -> int:
    """Memory held for reuse: at most 64 MiB, whatever was released."""
    return _kept_size


cdef Block acquire(size_t size) noexcept:
    """A kept block of at most twice the size, or a fresh one; not initialised."""
    cdef:
        Block block
        int slot, best = -1
    for slot in range(SLOTS):
        if size <= _kept[slot].size <= 2 * size and (best < 0 or _kept[slot].size < _kept[best].size):
            best = slot
    if best >= 0:
        return vacate(best)
    block.start = NULL
    block.size = size
    if posix_memalign(&block.start, HUGE_PAGE if size >= LARGE else CACHE_LINE, size) != 0:
        block.start = NULL
    elif size >= LARGE:
        madvise(block.start, size, MADV_HUGEPAGE)  # advice: a kernel without huge pages may refuse it
    return block


cdef void release(Block block) noexcept:
    """Keep the block in place of the oldest ones, or free it."""
    global _kept_size, _oldest
    if not SMALLEST_KEPT <= block.size <= LARGEST_KEPT:
        free(block.start)
        return
    while _kept[_oldest].start != NULL or _kept_size + block.size > KEPT_IN_ALL:
        free(vacate(_oldest).start)
        if _kept_size + block.size <= KEPT_IN_ALL:
            break
        _oldest = (_oldest + 1) % SLOTS
    _kept[_oldest] = block
    _kept_size += block.size
    _oldest = (_oldest + 1) % SLOTS


cdef Block vacate(int slot) noexcept:
    """Empty a slot; what it held, which is all zero if it was empty."""
    global _kept_size
    cdef Block block = _kept[slot]
    _kept[slot].start = NULL
    _kept[slot].size = 0
    _kept_size -= block.size
    return block

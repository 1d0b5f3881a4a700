"""A truth for every row: what comparisons give and `where` takes."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from cython cimport final

from greenlang_core.validity cimport Validity, first_null, is_valid, validity_of


@final
cdef class Mask:
    """True, False or null for every row; without nulls `numpy.asarray` shares its memory."""

    def __init__(self):
        raise TypeError("a Mask is made by comparing columns")

    def __len__(self):
        return self.length

    def __getitem__(self, row):
        """The truth of one row, None for a null."""
        cdef Py_ssize_t position = range(self.length)[row]
        if self.validity is not None and not is_valid(self.validity.bits, self.validity.offset + position):
            return None
        return bool(self.truths[position])

    @property
    def null_count(self):
        """How many rows are null."""
        return 0 if self.validity is None else self.validity.nulls

    def to_list(self):
        """A list of bools, None for nulls."""
        return [self[row] for row in range(self.length)]

    def __and__(self, other):
        """True where both are, False where one is not, else null."""
        return joined(self, as_mask(other, self.length), False)

    def __or__(self, other):
        """True where one is, False where neither is, else null."""
        return joined(self, as_mask(other, self.length), True)

    def __invert__(self):
        """The opposite; null where this is."""
        cdef:
            Mask mask = empty_mask(self.length)
            unsigned char* target = mask.bytes_of()
            const unsigned char* source = self.bytes_of()
            Py_ssize_t row
        with nogil:
            for row in range(self.length):
                target[row] = source[row] ^ 1
        mask.validity = self.validity
        return mask

    def __bool__(self):
        raise TypeError("a Mask is a truth for every row; join masks with & and |, and turn them with ~")

    def __getbuffer__(self, Py_buffer* view, int flags):
        if self.validity is not None:
            raise BufferError(f"row {first_null(self.validity)} is null, which no array of bools holds; use to_list")
        view.obj = self
        view.buf = self.bytes_of()
        view.len = self.length
        view.itemsize = 1
        view.readonly = True
        view.ndim = 1
        view.format = b"?"
        view.shape = &self.length
        view.strides = &view.itemsize
        view.suboffsets = NULL
        view.internal = NULL

    def __repr__(self):
        return f"Mask({self.truths.count(1)} of {self.length} rows)"

    cdef unsigned char* bytes_of(self) noexcept:
        return <unsigned char*> PyBytes_AS_STRING(self.truths)


cdef Mask empty_mask(Py_ssize_t length):
    """Room for the truths of `length` rows, not initialised."""
    cdef Mask mask = Mask.__new__(Mask)
    mask.truths = PyBytes_FromStringAndSize(NULL, length)
    mask.length = length
    return mask


cdef Mask joined(Mask left, Mask right, bint decides):
    """Both where False decides, either where True does: what decides counts beside a null too, as in SQL."""
    cdef:
        Mask mask = empty_mask(left.length)
        bytes known = PyBytes_FromStringAndSize(NULL, left.length)
        unsigned char* target = mask.bytes_of()
        char* valid = PyBytes_AS_STRING(known)
        const unsigned char* of_left = left.bytes_of()
        const unsigned char* of_right = right.bytes_of()
        Validity left_nulls = left.validity, right_nulls = right.validity
        Py_ssize_t row
        bint left_valid, right_valid, decided
    with nogil:
        for row in range(left.length):
            left_valid = left_nulls is None or is_valid(left_nulls.bits, left_nulls.offset + row)
            right_valid = right_nulls is None or is_valid(right_nulls.bits, right_nulls.offset + row)
            decided = (left_valid and of_left[row] == decides) or (right_valid and of_right[row] == decides)
            target[row] = decides if decided else not decides
            valid[row] = decided or (left_valid and right_valid)
    mask.validity = validity_of(known)
    return mask


cdef Mask as_mask(object condition, Py_ssize_t length):
    """A mask, a NumPy array of bools, or bools one by one; `ValueError` for another number of rows."""
    cdef Mask mask
    if isinstance(condition, Mask):
        mask = condition
    else:
        mask = Mask.__new__(Mask)
        mask.truths = bools_of(condition)
        mask.length = len(mask.truths)
    if mask.length != length:
        raise ValueError(f"a condition of {mask.length} rows for {length}; give a truth for each row")
    return mask


cdef bytes bools_of(object condition):
    try:
        view = memoryview(condition)
    except TypeError:  # not a buffer: a list, say
        items = list(condition)
    else:
        if view.format == "?" and view.ndim == 1:
            return view.tobytes()
        items = view.tolist()
    for row, item in enumerate(items):
        if not isinstance(item, bool):
            raise TypeError(f"condition row {row}: {item!r} is not a bool; compare first")
    return bytes(items)

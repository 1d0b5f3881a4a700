"""Texts in Arrow's memory, and columns of them coded by their distinct texts.

A column of a million cells is a million codes and its distinct texts end to end: no Python object for a cell.
"""

from collections.abc import Sequence

from cpython.bytes cimport PyBytes_AS_STRING
from cpython.list cimport PyList_CheckExact, PyList_GET_ITEM, PyList_GET_SIZE
from cpython.unicode cimport PyUnicode_DecodeUTF8
from cython cimport final
from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t
from libc.string cimport memcmp, memcpy, memset

from greenlang_core.buffers cimport Borrowed, integer_at
from greenlang_core.rooms cimport room_of
from greenlang_core.validity cimport is_valid


cdef extern from "Python.h":
    bint PyUnicode_CheckExact(object value)
    bint PyUnicode_IS_COMPACT_ASCII(object text)
    const char* PyUnicode_DATA(object text)
    Py_ssize_t PyUnicode_GET_LENGTH(object text)
    const char* PyUnicode_AsUTF8AndSize(object text, Py_ssize_t* size) except NULL

cdef extern from "text_hash.h" nogil:
    uint64_t text_hash "gl_text_hash" (const char* text, size_t length, uint64_t seed)
    bint is_plain "gl_is_plain" (const char* text, size_t length)
    bint may_have_space "gl_may_have_space" (const char* text, size_t length)

cdef extern from *:
    """
    #define gl_prefetch(address) __builtin_prefetch(address)
    """
    void prefetch "gl_prefetch" (const void* address) nogil


#: Another one in every process, as Python's own hashes have.
cdef uint64_t SEED = <uint64_t> <int64_t> hash("greenlang")

#: The same one in every process, for hashes that are kept.
cdef uint64_t LASTING_SEED = 0x9E3779B97F4A7C15

cdef enum:
    FEWEST_SLOTS = 64           # the upper six bits of a hash
    MOST_TEXTS = 0x7FFFFFFF     # codes are int32

cdef uint64_t LOWER = 0xFFFFFFFF
cdef uint64_t UPPER = ~LOWER


@final
cdef class Texts:
    """A sequence of strings that keeps their UTF-8 end to end and makes a `str` of one when it is asked for."""

    def __init__(self, texts=()):
        cdef:
            list encoded = [one.encode() for one in texts]
            Py_ssize_t size = sum(map(len, encoded)), end = 0, length = 0
            bytes text
        self.length = len(encoded)
        self.data = room_of(c"b", size + PAD)
        self._starts = room_of(c"q", self.length + 1)
        self.plain = True
        for length, text in enumerate(encoded):
            (<int64_t*> self._starts.bytes_of())[length] = end
            size = len(text)
            memcpy(self.data.bytes_of() + end, PyBytes_AS_STRING(text), size)
            self.plain = self.plain and is_plain(PyBytes_AS_STRING(text), size)
            end += size
        (<int64_t*> self._starts.bytes_of())[self.length] = end
        memset(self.data.bytes_of() + end, 0, PAD)

    def __len__(self):
        return self.length

    def __getitem__(self, key):
        """A text; for a slice a tuple of them."""
        if isinstance(key, slice):
            return tuple([self.text(position) for position in range(*key.indices(self.length))])
        return self.text(range(self.length)[key])

    def __iter__(self):
        cdef Py_ssize_t position
        for position in range(self.length):
            yield self.text(position)

    def __contains__(self, text):
        return isinstance(text, str) and self._find(text) >= 0

    def __reversed__(self):
        return reversed(self[:])

    def index(self, text):
        """Where a text stands first; `ValueError` if it does not."""
        found = self._find(text)
        if found < 0:
            raise ValueError(f"{text!r} is not among these texts")
        return found

    def count(self, text):
        """How often a text stands here."""
        return self[:].count(text)

    def take(self, codes):
        """The texts at `codes`, an int32 or int64 array, as a list; `IndexError` for one that is out of range."""
        cdef:
            Borrowed items = Borrowed(codes)
            Py_ssize_t row
            int64_t code
            bint wide = items.view.itemsize == 8
        taken = []
        for row in range(items.items):
            code = integer_at(items.view.buf, wide, row)
            if not 0 <= code < self.length:
                raise IndexError(f"text {code} of {self.length}")
            taken.append(self.text(code))
        return taken

    def hashes(self):
        """A hash of 64 bits of each text, as int64: the same in every process, and of equal texts alone mostly."""
        cdef:
            Room found = room_of(c"q", self.length)
            uint64_t* target = <uint64_t*> found.bytes_of()
            Py_ssize_t position
            const int64_t* starts = self.starts()
            const char* data = self.bytes_of()
        with nogil:
            for position in range(self.length):
                target[position] = text_hash(
                    data + starts[position], starts[position + 1] - starts[position], LASTING_SEED
                )
        found.show(self.length)
        return found

    def may_have_space(self):
        """Whether a text may begin or end in white space; False is certain."""
        cdef:
            Py_ssize_t position
            const int64_t* starts = self.starts()
            const char* data = self.bytes_of()
            bint found = False
        with nogil:
            for position in range(self.length):
                if may_have_space(data + starts[position], starts[position + 1] - starts[position]):
                    found = True
                    break
        return found

    def __eq__(self, other):
        if not isinstance(other, (Texts, tuple, list)):
            return NotImplemented
        return len(other) == self.length and all([mine == theirs for mine, theirs in zip(self, other)])

    __hash__ = None

    def __reduce__(self):
        return Texts, (self[:],)

    def __repr__(self):
        return f"Texts({self[:6]!r}{'...' if self.length > 6 else ''}, length={self.length})"

    def _find(self, text):
        cdef:
            bytes wanted = text.encode("utf-8", "surrogatepass")
            const char* bytes_wanted = PyBytes_AS_STRING(wanted)
            Py_ssize_t size = len(wanted), position, found = -1
            const int64_t* starts = self.starts()
            const char* data = self.bytes_of()
        with nogil:
            for position in range(self.length):
                if starts[position + 1] - starts[position] == size and same_text(
                    data + starts[position], bytes_wanted, size
                ):
                    found = position
                    break
        return found

    cdef const int64_t* starts(self) noexcept:
        return <const int64_t*> self._starts.bytes_of()

    cdef const char* bytes_of(self) noexcept:
        return self.data.bytes_of()

    cdef str text(self, Py_ssize_t position):
        cdef const int64_t* starts = self.starts()
        return PyUnicode_DecodeUTF8(
            self.bytes_of() + starts[position], starts[position + 1] - starts[position], NULL
        )


Sequence.register(Texts)


@final
cdef class TextCoder:
    """Codes a column of texts: the code of a row is the position of its text among the distinct ones.

    Texts get their codes in order of first appearance, so that codes do not depend on how the rows came.
    While they ascend, as ids, periods and empty cells mostly do, the text before tells whether one is new;
    from the first that does not, a hash table of all of them does.
    """

    def __cinit__(self):
        self._start()

    def __len__(self):
        """How many rows were added."""
        return self._rows

    def add(self, texts):
        """Add rows, a str each; `UnicodeEncodeError` for a lone surrogate."""
        cdef:
            list items = list(texts)
            Py_ssize_t row, first, count
        for first in range(0, len(items), BATCH):
            count = min(len(items) - first, <Py_ssize_t> BATCH)
            for row in range(count):
                self.gather(<object> PyList_GET_ITEM(items, first + row), row)
            self.code(count)

    def add_column(self, list rows, Py_ssize_t column):
        """Add one cell of each row, a list of str each and wide enough."""
        cdef:
            Py_ssize_t row, first, count
            object cells
        for first in range(0, len(rows), BATCH):
            count = min(len(rows) - first, <Py_ssize_t> BATCH)
            for row in range(count):
                cells = <object> PyList_GET_ITEM(rows, first + row)
                if not PyList_CheckExact(cells) or PyList_GET_SIZE(cells) <= column:
                    raise TypeError(f"row {first + row} is no list of more than {column} cells")
                self.gather(<object> PyList_GET_ITEM(cells, column), row)
            self.code(count)

    def add_utf8(self, offsets, data, Py_ssize_t count, *, Py_ssize_t first=0, validity=None):
        """Add `count` rows of an Arrow array of strings from its buffers; what is null becomes the empty text.

        Parameters
        ----------
        offsets : int32 or int64 buffer
            Where each text begins in `data`; of an array that was validated, for nothing is checked but the
            ends.
        first : int
            The array's offset: the row of the buffers that its own first one is.
        validity : buffer, optional
            A bitmap: a set bit for every row that is not null.
        """
        cdef:
            Borrowed starts = Borrowed(offsets)
            Borrowed bytes_given = Borrowed(data if data is not None else b"")
            Borrowed bits = Borrowed(validity) if validity is not None else None
            const uint8_t* bitmap = NULL if bits is None else <const uint8_t*> bits.view.buf
            bint wide = starts.view.itemsize == 8
            Py_ssize_t row, begin, batch, place
            int64_t start, stop
        if starts.view.itemsize not in (4, 8) or first < 0 or starts.items < first + count + 1:
            raise ValueError(f"{starts.items} offsets for {count} rows from {first}")
        if bits is not None and bits.view.len * 8 < first + count:
            raise ValueError(f"a bitmap of {bits.view.len} bytes for {count} rows from {first}")
        for begin in range(0, count, BATCH):
            batch = min(count - begin, <Py_ssize_t> BATCH)
            for place in range(batch):
                row = first + begin + place
                start = integer_at(starts.view.buf, wide, row)
                stop = integer_at(starts.view.buf, wide, row + 1)
                if not 0 <= start <= stop <= bytes_given.view.len:
                    raise ValueError(f"row {row} of the strings lies outside their bytes")
                self._text[place] = <const char*> bytes_given.view.buf + start
                self._size[place] = stop - start
                if bitmap != NULL and not is_valid(bitmap, row):
                    self._size[place] = 0
            self.code(batch)

    def expect(self, Py_ssize_t rows):
        """Make room for so many rows in all, were they as those so far; for more, or other ones, room is made anew.

        Room that nothing is written to takes no memory; room that grows is copied, into pages to be cleared.
        """
        cdef double share = <double> rows / max(self._rows, 1)
        cdef int64_t used = (<int64_t*> self._starts.bytes_of())[self._count]
        if share <= 1:
            return
        try:
            self._codes.hold(rows, self._rows)
            self._starts.hold(<Py_ssize_t> (self._count * share) + 1, self._count + 1)
            self._data.hold(<Py_ssize_t> (used * share) + PAD, used)
        except MemoryError:  # only a guess was too large
            pass

    def codes_of(self, texts):
        """The codes of texts, int32, without adding rows: what coded rows of elsewhere are mapped by."""
        cdef:
            Py_ssize_t rows = self._rows, count
            Room codes
        self.add(texts)
        count = self._rows - rows
        codes = room_of(c"i", count)
        memcpy(codes.bytes_of(), self._codes.bytes_of() + rows * sizeof(int32_t), count * sizeof(int32_t))
        codes.show(count)
        self._rows = rows
        return codes

    def add_codes(self, codes):
        """Add rows by their codes, a contiguous int32 array; `ValueError` for a code that stands for no text."""
        cdef:
            Borrowed given = Borrowed(codes)
            const int32_t* source = <const int32_t*> given.view.buf
            Py_ssize_t row
        if given.view.itemsize != sizeof(int32_t):
            raise ValueError(f"codes of {given.view.itemsize} bytes; give int32")
        for row in range(given.items):
            if not 0 <= source[row] < self._count:
                raise ValueError(f"code {source[row]} of {self._count} texts")
        self._codes.hold(self._rows + given.items, self._rows)
        memcpy(self._codes.bytes_of() + self._rows * sizeof(int32_t), source, given.view.len)
        self._rows += given.items

    def finish(self):
        """The codes, int32, and the distinct texts; afterwards there are no rows here."""
        cdef:
            Texts texts = Texts.__new__(Texts)
            Room codes = self._codes
        texts.data = self._data
        texts._starts = self._starts
        texts.length = self._count
        texts.plain = self._plain
        codes.show(self._rows)
        self._start()
        return codes, texts

    def _start(self):
        self._data = room_of(c"b", PAD)
        self._starts = room_of(c"q", 1)
        self._codes = room_of(c"i", 0)
        self._slots = None
        self._slot_count = FEWEST_SLOTS
        (<int64_t*> self._starts.bytes_of())[0] = 0
        self._shift = 58
        self._count = 0
        self._rows = 0
        self._plain = True

    cdef int gather(self, object text, Py_ssize_t place) except -1:
        """Put the UTF-8 of a str, which stays the caller's, in its place of the batch."""
        if not PyUnicode_CheckExact(text):
            raise TypeError(f"{text!r} is of type {type(text).__name__}, not text")
        if PyUnicode_IS_COMPACT_ASCII(text):
            self._text[place] = PyUnicode_DATA(text)
            self._size[place] = PyUnicode_GET_LENGTH(text)
        else:
            self._text[place] = PyUnicode_AsUTF8AndSize(text, &self._size[place])
        return 0

    cdef int code(self, Py_ssize_t count) except -1:
        """Add a row for each of the first `count` texts of the batch."""
        cdef Py_ssize_t done = 0
        self.make_room(count)
        if self._slots is None:
            with nogil:
                done = self.code_ascending(count)
        if done < count:
            self.make_slots(count - done)
            with nogil:
                self.code_batch(done, count)
        return 0

    cdef Py_ssize_t code_ascending(self, Py_ssize_t count) noexcept nogil:
        """`code` up to the first text that comes before the last known one; gives its place in the batch."""
        cdef:
            Py_ssize_t row, size, last_size, known = self._count
            int64_t* starts = <int64_t*> self._starts.bytes_of()
            int32_t* codes = <int32_t*> self._codes.bytes_of() + self._rows
            char* data = self._data.bytes_of()
            const char* text
            const char* last
            int order
        for row in range(count):
            text, size = self._text[row], self._size[row]
            order = 1
            if known:
                last, last_size = data + starts[known - 1], starts[known] - starts[known - 1]
                order = memcmp(text, last, min(size, last_size))
                if order == 0:
                    order = (size > last_size) - (size < last_size)
            if order < 0:
                break
            if order > 0:
                memcpy(data + starts[known], text, size)
                starts[known + 1] = starts[known] + size
                known += 1
                self._plain = self._plain and is_plain(text, size)
            codes[row] = <int32_t> (known - 1)
        else:
            row = count
        self._count = known
        self._rows += row
        return row

    cdef void code_batch(self, Py_ssize_t first, Py_ssize_t stop) noexcept nogil:
        """`code` from one place of the batch to another, for which there is room and a table."""
        cdef:
            Py_ssize_t row, size, known = self._count
            uint64_t hash, entry
            int64_t code, end
            uint64_t* slots = <uint64_t*> self._slots.bytes_of()
            uint64_t mask = self._slot_count - 1, slot
            int shift = self._shift
            int64_t* starts = <int64_t*> self._starts.bytes_of()
            int32_t* codes = <int32_t*> self._codes.bytes_of() + self._rows - first
            char* data = self._data.bytes_of()
            const char* text
        # A large table is out of cache: its lines are fetched for the whole batch before the first is needed.
        for row in range(first, stop):
            hash = text_hash(self._text[row], self._size[row], SEED)
            self._hash[row] = hash
            prefetch(&slots[hash >> shift])
        for row in range(first, stop):
            text, size, hash = self._text[row], self._size[row], self._hash[row]
            slot = hash >> shift
            while True:
                entry = slots[slot]
                if entry == 0:
                    code = known
                    end = starts[code]
                    memcpy(data + end, text, size)
                    starts[code + 1] = end + size
                    slots[slot] = hash & UPPER | <uint64_t> (code + 1)
                    known += 1
                    self._plain = self._plain and is_plain(text, size)
                    break
                if (entry ^ hash) & UPPER == 0:
                    code = <int64_t> (entry & LOWER) - 1
                    if starts[code + 1] - starts[code] == size and same_text(data + starts[code], text, size):
                        break
                slot = slot + 1 & mask
            codes[row] = <int32_t> code
        self._count = known
        self._rows += stop - first

    cdef int make_room(self, Py_ssize_t count) except -1:
        """Room for the batch, were all its texts new: nothing moves while it is coded."""
        cdef:
            Py_ssize_t row, used = (<int64_t*> self._starts.bytes_of())[self._count], size = used + PAD
            Py_ssize_t most = self._count + count
        if most > MOST_TEXTS:
            raise OverflowError(f"a column of more than {MOST_TEXTS} different texts")
        for row in range(count):
            size += self._size[row]
        self._data.hold(size, used)
        self._starts.hold(most + 1, self._count + 1)
        self._codes.hold(self._rows + count, self._rows)
        return 0

    cdef int make_slots(self, Py_ssize_t count) except -1:
        """A table of what is known, large enough for so many more."""
        cdef:
            Py_ssize_t most = self._count + count, slot_count = self._slot_count
            Room slots
        if self._slots is not None and most * 3 <= slot_count * 2:
            return 0
        while most * 3 > slot_count * 2:
            slot_count *= 2
            self._shift -= 1
        slots = room_of(c"Q", slot_count)
        with nogil:
            memset(slots.bytes_of(), 0, slot_count * sizeof(uint64_t))
            if self._slots is None:
                self.enter_texts(<uint64_t*> slots.bytes_of(), slot_count - 1)
            else:
                self.enter_slots(<uint64_t*> slots.bytes_of(), slot_count - 1)
        self._slots = slots
        self._slot_count = slot_count
        return 0

    cdef void enter_texts(self, uint64_t* new, uint64_t mask) noexcept nogil:
        """Enter all texts, of which no two are equal."""
        cdef:
            const int64_t* starts = <const int64_t*> self._starts.bytes_of()
            const char* data = self._data.bytes_of()
            Py_ssize_t code
            uint64_t hash
        for code in range(self._count):
            hash = text_hash(data + starts[code], starts[code + 1] - starts[code], SEED)
            enter(new, mask, self._shift, hash & UPPER | <uint64_t> (code + 1))

    cdef void enter_slots(self, uint64_t* new, uint64_t mask) noexcept nogil:
        """Enter what a smaller table has: its slots are in the same order, so memory is written from end to end."""
        cdef:
            const uint64_t* old = <const uint64_t*> self._slots.bytes_of()
            Py_ssize_t place
        for place in range(self._slot_count):
            if old[place]:
                enter(new, mask, self._shift, old[place])


cdef inline void enter(uint64_t* slots, uint64_t mask, int shift, uint64_t entry) noexcept nogil:
    cdef uint64_t slot = entry >> shift
    while slots[slot]:
        slot = slot + 1 & mask
    slots[slot] = entry


cdef bint same_text(const char* left, const char* right, Py_ssize_t size) noexcept nogil:
    # Most texts are short, and a call costs more than comparing them.
    cdef Py_ssize_t place
    if size > 16:
        return memcmp(left, right, size) == 0
    for place in range(size):
        if left[place] != right[place]:
            return False
    return True

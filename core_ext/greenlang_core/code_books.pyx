"""Numbers by code, such as emission factors, gathered inside the loops that use them."""

from decimal import Decimal
from fractions import Fraction

from greenlang_core.refusals import DecimalOverflow, integer_of

from cython cimport final
from libc.stdint cimport int64_t
from libc.stdlib cimport free, malloc

from greenlang_core.buffers cimport Borrowed, integer_at, integers_of
from greenlang_core.conversions cimport rows_from_integers, scalar_to_row, to_integer
from greenlang_core.ratios cimport Ratios, ratios_of
from greenlang_core.wide cimport MAX_DIGITS, fits_word, int128, low_word


#: Tables of ratios that a book keeps, one for each change of scale asked for.
cdef int KEPT_RATIOS = 8


@final
cdef class CodeBook:
    """A number for every code, each with a scale of its own: Decimals, integers or Fractions.

    ``quantity * book[codes]`` is exact, at the sum of the scales of both; the factors are looked up in the
    loop that multiplies. ``quantity.multiply(book[codes], places=12)`` rounds each product once, and takes
    numbers of any scale, also those that do not terminate.
    """

    __array_ufunc__ = None

    def __cinit__(self, numbers):
        cdef Py_ssize_t code
        self.numbers = tuple(numbers)
        self.length = len(self.numbers)
        self._terms = [terms_of(number, f"code {code}: ") for code, number in enumerate(self.numbers)]
        self._ratios = {}
        self.scale = shared_scale([places for _, _, places in self._terms])
        if self.scale is None:
            return
        try:
            self.entries = rows_from_integers(
                [numerator * 10 ** <object> self.scale // denominator for numerator, denominator, _ in self._terms]
            )
        except DecimalOverflow:
            self.scale = None
            return
        for code in range(self.length):
            if not fits_word(self.entries.rows[code]):
                return
        self.words = <int64_t*> malloc(max(self.length, 1) * sizeof(int64_t))
        if self.words == NULL:
            raise MemoryError(f"{self.length} factors do not fit in memory")
        for code in range(self.length):
            self.words[code] = <int64_t> low_word(self.entries.rows[code])

    def __dealloc__(self):
        free(self.words)

    def __len__(self):
        return self.length

    def __getitem__(self, codes):
        """The number of one code, or with an array of codes a factor for every row, looked up when used."""
        if isinstance(codes, int):
            return self.numbers[codes]
        cdef Gathered gathered = Gathered.__new__(Gathered)
        gathered.book = self
        gathered.code_rows = integers_of(codes, "code")
        return gathered

    def __reduce__(self):
        return CodeBook, (self.numbers,)

    def __repr__(self):
        return f"CodeBook(length={self.length}, scale={self.scale})"

    cdef int common_scale(self) except -1:
        if self.scale is None:
            raise DecimalOverflow(
                f"no scale holds all {self.length} factors within {MAX_DIGITS} digits; "
                "use multiply(…, places=…), which rounds each product once"
            )
        return self.scale

    cdef Ratios ratios(self, int places_gained):
        """Every number times 10^places_gained; kept for the next call."""
        if places_gained not in self._ratios:
            if len(self._ratios) == KEPT_RATIOS:
                self._ratios.clear()
            self._ratios[places_gained] = ratios_of(
                [numerator for numerator, _, _ in self._terms],
                [denominator for _, denominator, _ in self._terms],
                places_gained,
            )
        return self._ratios[places_gained]


@final
cdef class Gathered:
    """The number of each row's code: an operand of products, made by ``book[codes]`` and never stored."""

    __array_ufunc__ = None

    def __init__(self):
        raise TypeError("gathered factors are made by book[codes]")

    def __len__(self):
        return self.code_rows.items

    @property
    def codes(self):
        """The codes as a buffer: what was given, or an array of what was no buffer."""
        return <object> self.code_rows.view.obj

    def __mul__(self, column):
        """The column's own product; what is no column is refused."""
        multiply = getattr(column, "multiply", None)
        return NotImplemented if multiply is None else multiply(self)

    def __repr__(self):
        return f"Gathered(length={self.code_rows.items}, {self.book!r})"

    cdef int check_length(self, Py_ssize_t length) except -1:
        if self.code_rows.items != length:
            raise ValueError(f"{self.code_rows.items} codes for {length} rows; give one each row")
        return 0

    cdef object unscaled(self, Py_ssize_t row):
        return to_integer(self.book.entries.rows[self.code(row)])

    cdef object number(self, Py_ssize_t row):
        return self.book.numbers[self.code(row)]

    cdef Py_ssize_t code(self, Py_ssize_t row) noexcept:
        return integer_at(self.code_rows.view.buf, self.code_rows.view.itemsize == 8, row)


cdef tuple terms_of(object number, str place):
    """A number as a ratio; floats and text are refused."""
    cdef int128 row
    if isinstance(number, Decimal):
        scale = scalar_to_row(number, &row)
        return to_integer(row), 10 ** <object> scale, scale
    if isinstance(number, Fraction):
        return number.numerator, number.denominator, terminating_places(number.denominator)
    return integer_of(number, place), 1, 0


cdef object terminating_places(object denominator):
    """The least n for which `denominator` divides 10^n, None without one of at most 38."""
    for places in range(MAX_DIGITS + 1):
        if 10 ** <object> places % denominator == 0:
            return places
    return None


cdef object shared_scale(list places):
    return None if None in places else max(places, default=0)

"""What the steps of one run share: its clock, its deadline, what became of it."""

from libc.stdint cimport int64_t

from greenlang_core.recording cimport Recorder

cdef extern from "<time.h>" nogil:
    ctypedef long time_t
    struct timespec:
        time_t tv_sec
        long tv_nsec
    int clock_gettime(int clock, timespec* now)
    enum: CLOCK_MONOTONIC

cdef extern from *:
    """
    #ifdef CLOCK_MONOTONIC_COARSE
    #define GREENLANG_COARSE_CLOCK CLOCK_MONOTONIC_COARSE
    #else
    #define GREENLANG_COARSE_CLOCK CLOCK_MONOTONIC
    #endif
    """
    enum: GREENLANG_COARSE_CLOCK


cdef class Run:
    """One run of a plan.

    Parameters
    ----------
    clock : object with `now()` and `sleep(seconds)`, optional
        The machine's monotonic clock if not given.
    deadline_s : float, optional
        Seconds from now that the whole run may take.
    patience_s : float
        Seconds that a cancelled step may take to end before it is given up and named in `abandoned`.
    report : object with `note(...)`, optional
        Told what modifiers did, and what was abandoned.
    tenant : str
        Whom the run is for: nothing that is kept is shared between tenants.
    recorder : Recorder, optional
        Records spans and moments of the run.
    """

    def __cinit__(
        self, *, clock=None, deadline_s=None, double patience_s=1.0, report=None, str tenant="", Recorder recorder=None
    ):
        self.clock = clock
        self.report = report
        self.tenant = tenant
        self.patience_s = patience_s
        self.recorder = recorder
        self.abandoned = []
        self.deadline_s = INFINITY if deadline_s is None else self.now() + <double>deadline_s
        self.is_watched = self.deadline_s < INFINITY or recorder is not None

    @property
    def is_special(self):
        """Whether its agents can be told more than that it runs: a deadline, a clock."""
        return self.clock is not None or self.deadline_s < INFINITY

    cpdef double now(self) except *:
        """Seconds on the run's clock."""
        return clock_now(self)

    cpdef double left(self) except *:
        """Seconds until the deadline; infinite without one."""
        return self.deadline_s - clock_now(self) if self.deadline_s < INFINITY else INFINITY

    cpdef int abandon(self, str step) except -1:
        """Note that a step was cancelled and did not end in time, so that it may still run."""
        self.abandoned.append(step)
        if self.report is not None:
            self.report.note("abandoned", step, {})
        return 0


cdef double machine_now() noexcept nogil:
    """Seconds on the machine's monotonic clock."""
    cdef timespec now
    clock_gettime(CLOCK_MONOTONIC, &now)
    return now.tv_sec + now.tv_nsec * 1e-9


cdef int64_t machine_now_ns() noexcept nogil:
    cdef timespec now
    clock_gettime(CLOCK_MONOTONIC, &now)
    return <int64_t>now.tv_sec * 1_000_000_000 + now.tv_nsec


cdef double clock_now(Run run) except *:
    return machine_now() if run is None or run.clock is None else run.clock.now()


cdef double coarse_now(Run run) except *:
    """The same to within some milliseconds, for a fifth of the price: 5 ns instead of 25."""
    cdef timespec now
    if run is not None and run.clock is not None:
        return run.clock.now()
    clock_gettime(GREENLANG_COARSE_CLOCK, &now)
    return now.tv_sec + now.tv_nsec * 1e-9

"""Runs programs of steps over value slots.

A synchronous program is one loop over an array of steps, each a vectorcall on the slots themselves.  In an
asynchronous one a step starts when its inputs are ready: synchronous steps in place, coroutines as `crew` says.
Values are handed through untouched, and let go after their last reader.

When a step fails, every level adds to `trail` where it stood, innermost first: `(program, step index)`, and between
them the number of the item that a map was at.
"""

from cpython.list cimport PyList_GET_SIZE, PyList_New
from cpython.mem cimport PyMem_Calloc, PyMem_Free, PyMem_Malloc
from cpython.object cimport PyObject
from cpython.ref cimport Py_DECREF, Py_INCREF, Py_XDECREF
from libc.string cimport memcpy, memset

from decimal import getcontext, setcontext

from greenlang_core.crew cimport PENDING, Crew

cdef extern from "Python.h":
    object PyObject_Vectorcall(PyObject* function, PyObject** arguments, size_t count, PyObject* names)
    void PyList_SET_ITEM(object items, Py_ssize_t index, object value)
    ctypedef struct PyListObject:
        PyObject** ob_item

cdef enum:
    # Slots that a run keeps on the C stack; a longer program takes memory for the run.
    STACK_SLOTS = 24

#: How many items of a map are at work at once where they wait.
cdef Py_ssize_t WINDOW = 64

_KINDS = {"call": CALL, "constant": CONSTANT, "list": LIST, "record": RECORD, "map": MAP, "filter": FILTER, "choose": CHOOSE}


cdef inline PyObject** _items(list slots) noexcept:
    """The slots of an asynchronous run as an array; the list lets the garbage collector see them."""
    return (<PyListObject*>slots).ob_item


cdef class Program:
    """Steps over slots, compiled once and run any number of times, also at once.

    Parameters
    ----------
    steps : sequence of tuples
        `("call", inputs, function, option_names, option_values, is_async, needs_task)`, `("constant", (), value)`,
        `("list", inputs)`, `("record", inputs, names)`, `("map", inputs, program)`, `("filter", inputs, program)` or
        `("choose", (key, input), programs, selector)`; a selector gives the number of the program for a key, and
        without one (None) the first program is for true and the second for false.
    result : int
        The slot that is the result.
    as_items : callable
        Gives a list or a tuple for what a map is asked to run through and is neither.
    context : decimal.Context, optional
        The decimal context of its steps. It is set as it stands, so it must be one that steps cannot change.

    Raises
    ------
    ValueError
        If a step reads a slot that is not before it.
    """

    def __init__(self, steps, Py_ssize_t result, *, as_items, context=None):
        cdef Py_ssize_t input_count = 0, option_count = 0
        self.count = len(steps)
        self.result = result
        self._as_items = as_items
        self._context = context
        self._kept = []
        if not 0 <= result <= self.count:
            raise ValueError("the result is not one of the slots")
        for index, step in enumerate(steps):
            input_count += len(step[1])
            for slot in step[1]:
                if not 0 <= slot <= index:
                    raise ValueError(f"step {index} reads slot {slot}, which is not before it")
            if step[0] == "call":
                option_count += len(step[3])
        self.allocate(input_count, option_count)
        self.load(steps)
        self.connect()

    cdef int allocate(self, Py_ssize_t inputs, Py_ssize_t options) except -1:
        if self.steps != NULL:
            raise ValueError("a program is made once")
        self.steps = <Step*>PyMem_Calloc(self.count + 1, sizeof(Step))
        self.inputs = <Py_ssize_t*>PyMem_Calloc(inputs + 1, sizeof(Py_ssize_t))
        self.releases = <Py_ssize_t*>PyMem_Calloc(inputs + self.count + 1, sizeof(Py_ssize_t))
        self.options = <PyObject**>PyMem_Calloc(options + 1, sizeof(PyObject*))
        self.edges = <int*>PyMem_Calloc(self.count + 1, sizeof(int))
        self.readers = <int*>PyMem_Calloc(self.count + 1, sizeof(int))
        self.first_reader = <Py_ssize_t*>PyMem_Calloc(self.count + 2, sizeof(Py_ssize_t))
        self.reading = <Py_ssize_t*>PyMem_Calloc(inputs + 1, sizeof(Py_ssize_t))
        if (
            self.steps == NULL or self.inputs == NULL or self.releases == NULL or self.options == NULL
            or self.edges == NULL or self.readers == NULL or self.first_reader == NULL or self.reading == NULL
        ):
            raise MemoryError()
        return 0

    cdef int load(self, steps) except -1:
        cdef Py_ssize_t index, input_count = 0, option_count = 0
        cdef Step* step
        for index, given in enumerate(steps):
            step = &self.steps[index]
            step.kind = _KINDS[given[0]]
            step.first_input = input_count
            for slot in given[1]:
                self.inputs[input_count] = slot
                input_count += 1
            step.last_input = input_count
            step.first_option = step.last_option = option_count
            if step.kind == CALL:
                _, _, function, names, values, is_async, needs_task = given
                step.function = self.keep(function)
                step.is_async = is_async
                step.needs_task = needs_task
                step.names = self.keep(tuple(names)) if names else NULL
                for value in values:
                    self.options[option_count] = self.keep(value)
                    option_count += 1
                step.last_option = option_count
                if names:
                    self.scratch = max(self.scratch, 1 + len(names))
            elif step.kind == CONSTANT:
                step.function = self.keep(given[2])
            elif step.kind == RECORD:
                step.names = self.keep(tuple(given[2]))
            elif step.kind == MAP or step.kind == FILTER:
                step.programs = self.keep((given[2],))
            elif step.kind == CHOOSE:
                step.programs = self.keep(tuple(given[2]))
                step.function = self.keep(given[3])
            if step.programs != NULL:
                step.is_async = any((<Program?>program).is_async for program in <tuple>step.programs)
            self.is_async = self.is_async or step.is_async
        self.is_single = (
            self.count == 1 and self.result == 1 and not self.is_async
            and self.steps[0].kind == CALL and self.steps[0].names == NULL
        )
        return 0

    cdef PyObject* keep(self, object value):
        self._kept.append(value)
        return <PyObject*>value

    cdef int connect(self) except -1:
        """Work out who reads what, and after which step a slot is let go."""
        cdef Py_ssize_t index, slot, position, releases = 0
        cdef Step* step
        self.readers[self.result] += 1
        last_reader = {}
        readers = [[] for _ in range(self.count + 1)]
        for index in range(self.count):
            step = &self.steps[index]
            last_reader[index + 1] = index
            for position in range(step.first_input, step.last_input):
                slot = self.inputs[position]
                readers[slot].append(index)
                last_reader[slot] = index
                self.readers[slot] += 1
                self.edges[index] += slot != 0
        released = [[] for _ in range(self.count)]
        for slot, index in last_reader.items():
            if slot != self.result:
                released[index].append(slot)
        position = 0
        for index in range(self.count):
            self.steps[index].first_release = releases
            for slot in released[index]:
                self.releases[releases] = slot
                releases += 1
            self.steps[index].last_release = releases
        for slot in range(self.count + 1):
            self.first_reader[slot] = position
            for index in readers[slot]:
                self.reading[position] = index
                position += 1
        self.first_reader[self.count + 1] = position
        return 0

    def __dealloc__(self):
        PyMem_Free(self.steps)
        PyMem_Free(self.inputs)
        PyMem_Free(self.releases)
        PyMem_Free(self.options)
        PyMem_Free(self.edges)
        PyMem_Free(self.readers)
        PyMem_Free(self.first_reader)
        PyMem_Free(self.reading)

    def run(self, value, list trail):
        """Run a program without asynchronous steps.

        Raises
        ------
        ValueError
            If the program has asynchronous steps.
        BaseException
            What a step raised; `trail` then says where.
        """
        if self.is_async:
            raise ValueError("the program has asynchronous steps; await arun() instead")
        if self._context is None:
            return self.execute(value, trail)
        callers = getcontext()
        setcontext(self._context)
        try:
            return self.execute(value, trail)
        finally:
            setcontext(callers)

    async def arun(self, value, list trail):
        """Run any program; its asynchronous steps run at once where their inputs allow it.

        An error cancels the steps that are still at work, and is raised when every one of them has ended.
        """
        cdef Execution execution
        callers = None
        if self._context is not None:
            callers = getcontext()
            setcontext(self._context)
        execution = Execution(self, value, trail)
        try:
            while execution.advance():
                await execution.crew.changed()
            return execution.take_result()
        except BaseException:
            if execution.crew.live:
                await execution.crew.stop()
            raise
        finally:
            if callers is not None:
                setcontext(callers)

    cdef object execute(self, object value, list trail):
        """Run all steps in their order."""
        cdef:
            PyObject* stack[STACK_SLOTS]
            PyObject** slots = stack
            Py_ssize_t index = 0, position, size = self.count + 1 + self.scratch
            Step* step
            object output
        if size > STACK_SLOTS:
            slots = <PyObject**>PyMem_Malloc(size * sizeof(PyObject*))
            if slots == NULL:
                raise MemoryError()
        memset(slots, 0, size * sizeof(PyObject*))
        Py_INCREF(value)
        slots[0] = <PyObject*>value
        try:
            while index < self.count:
                step = &self.steps[index]
                if step.kind == CALL and step.names == NULL:
                    output = PyObject_Vectorcall(step.function, slots + self.inputs[step.first_input], 1, NULL)
                else:
                    output = self.perform(step, slots, slots + self.count + 1, trail)
                index += 1
                Py_INCREF(output)
                slots[index] = <PyObject*>output
                for position in range(step.first_release, step.last_release):
                    Py_XDECREF(slots[self.releases[position]])
                    slots[self.releases[position]] = NULL
                # Or an output that nobody reads would live through the next step.
                output = None
            return <object>slots[self.result]
        except BaseException:
            trail.append((self, index))
            raise
        finally:
            for position in range(self.count + 1):
                Py_XDECREF(slots[position])
            if slots != stack:
                PyMem_Free(slots)

    cdef object perform(self, Step* step, PyObject** slots, PyObject** scratch, list trail):
        """The output of one synchronous step, or the coroutine of a call to an asynchronous function."""
        cdef:
            Py_ssize_t position, count = step.last_input - step.first_input
            list outputs
            dict record
        if step.kind == CALL:
            if step.names == NULL:
                return PyObject_Vectorcall(step.function, slots + self.inputs[step.first_input], 1, NULL)
            scratch[0] = slots[self.inputs[step.first_input]]
            memcpy(
                scratch + 1, self.options + step.first_option,
                (step.last_option - step.first_option) * sizeof(PyObject*),
            )
            return PyObject_Vectorcall(step.function, scratch, 1, step.names)
        if step.kind == CONSTANT:
            return <object>step.function
        if step.kind == LIST:
            outputs = PyList_New(count)
            for position in range(count):
                value = <object>slots[self.inputs[step.first_input + position]]
                Py_INCREF(value)
                PyList_SET_ITEM(outputs, position, value)
            return outputs
        if step.kind == RECORD:
            record = {}
            for position in range(count):
                record[(<tuple>step.names)[position]] = <object>slots[self.inputs[step.first_input + position]]
            return record
        if step.kind == CHOOSE:
            return self.chosen(step, slots).execute(<object>slots[self.inputs[step.first_input + 1]], trail)
        return self.over_items(step, <object>slots[self.inputs[step.first_input]], trail)

    cdef object over_items(self, Step* step, object value, list trail):
        """Map or filter a list with a synchronous program."""
        cdef:
            Program program = <Program>(<tuple>step.programs)[0]
            PyObject* function = program.steps[0].function if program.is_single else NULL
            PyObject* argument
            bint is_map = step.kind == MAP
            object items = self.items_of(value), item, output
            list outputs = []
            Py_ssize_t index = 0
        try:
            # Not a range: a step may change the list that it is given an item of.
            for item in items:
                if function != NULL:
                    argument = <PyObject*>item
                    output = PyObject_Vectorcall(function, &argument, 1, NULL)
                else:
                    output = program.execute(item, trail)
                if is_map:
                    outputs.append(output)
                elif output:
                    outputs.append(item)
                index += 1
        except BaseException:
            if function != NULL:
                trail.append((program, 0))
            trail.append(index)
            raise
        return outputs

    cdef object items_of(self, object value):
        return value if type(value) is list or type(value) is tuple else self._as_items(value)

    cdef Program chosen(self, Step* step, PyObject** slots):
        key = <object>slots[self.inputs[step.first_input]]
        if <object>step.function is None:
            return <Program>(<tuple>step.programs)[0 if key else 1]
        return <Program?>(<tuple>step.programs)[(<object>step.function)(key)]


cdef class Execution:
    """One run of a program with asynchronous steps."""

    def __cinit__(self, Program program, value, list trail):
        cdef Py_ssize_t count = program.count, index
        self.program = program
        self.crew = Crew()
        self.trail = trail
        self.trails = {}
        self.slots = PyList_New(count + 1)
        Py_INCREF(value)
        PyList_SET_ITEM(self.slots, 0, value)
        self.waiting = <int*>PyMem_Malloc((2 * count + 1) * sizeof(int))
        self.starting = <Py_ssize_t*>PyMem_Malloc((2 * count + 1) * sizeof(Py_ssize_t))
        if self.waiting == NULL or self.starting == NULL:
            raise MemoryError()
        self.unread = self.waiting + count
        self.computing = self.starting + count
        memcpy(self.waiting, program.edges, count * sizeof(int))
        memcpy(self.unread, program.readers, (count + 1) * sizeof(int))
        for index in range(count):
            if not self.waiting[index]:
                self.enqueue(index)

    def __dealloc__(self):
        PyMem_Free(self.waiting)
        PyMem_Free(self.starting)

    cdef int enqueue(self, Py_ssize_t index) except -1:
        if self.program.steps[index].is_async:
            self.starting[self.last_starting] = index
            self.last_starting += 1
        else:
            self.computing[self.last_computing] = index
            self.last_computing += 1
        return 0

    cdef bint advance(self) except -1:
        """Take what has ended and start what can start; whether anything is still at work."""
        cdef Py_ssize_t index
        while (task := self.crew.take()) is not None:
            index = self.crew.live.pop(task)
            try:
                output = task.result()
            except BaseException:
                self.note(index)
                raise
            self.complete(index, output)
            output = task = None
        while True:
            if self.first_starting < self.last_starting:
                index = self.starting[self.first_starting]
                self.first_starting += 1
            elif self.first_computing < self.last_computing:
                index = self.computing[self.first_computing]
                self.first_computing += 1
            else:
                return bool(self.crew.live)
            self.start(index)

    cdef int start(self, Py_ssize_t index) except -1:
        cdef Step* step = &self.program.steps[index]
        try:
            if step.is_async:
                output = self.crew.start(self.coroutine_of(index), index, step.needs_task)
                if output is PENDING:
                    return 0
            else:
                output = self.output_of(index)
        except BaseException:
            self.note(index)
            raise
        self.complete(index, output)
        return 0

    cdef object output_of(self, Py_ssize_t index):
        cdef:
            Step* step = &self.program.steps[index]
            PyObject* stack[STACK_SLOTS]
            PyObject** scratch = stack
        if self.program.scratch <= STACK_SLOTS:
            return self.program.perform(step, _items(self.slots), scratch, self.trail)
        scratch = <PyObject**>PyMem_Malloc(self.program.scratch * sizeof(PyObject*))
        if scratch == NULL:
            raise MemoryError()
        try:
            return self.program.perform(step, _items(self.slots), scratch, self.trail)
        finally:
            PyMem_Free(scratch)

    cdef object coroutine_of(self, Py_ssize_t index):
        """The coroutine of an asynchronous step: its function's own, or that of the programs that it runs."""
        cdef Step* step = &self.program.steps[index]
        cdef PyObject** slots = _items(self.slots)
        cdef list trail
        if step.kind == CALL:
            return self.output_of(index)
        trail = self.trails[index] = []
        if step.kind == CHOOSE:
            value = <object>slots[self.program.inputs[step.first_input + 1]]
            return self.program.chosen(step, slots).arun(value, trail)
        items = self.program.items_of(<object>slots[self.program.inputs[step.first_input]])
        return _over_items((<tuple>step.programs)[0], items, step.kind == MAP, trail)

    cdef int complete(self, Py_ssize_t index, object output) except -1:
        """Fill a step's slot, let go of what it read last, and queue what waited for it."""
        cdef Program program = self.program
        cdef Step* step = &program.steps[index]
        cdef PyObject** slots = _items(self.slots)
        cdef Py_ssize_t position, slot
        self.trails.pop(index, None)
        for position in range(step.first_input, step.last_input):
            slot = program.inputs[position]
            self.unread[slot] -= 1
            if not self.unread[slot]:
                Py_XDECREF(slots[slot])
                slots[slot] = NULL
        slot = index + 1
        if self.unread[slot]:
            Py_INCREF(output)
            slots[slot] = <PyObject*>output
        for position in range(program.first_reader[slot], program.first_reader[slot + 1]):
            index = program.reading[position]
            self.waiting[index] -= 1
            if not self.waiting[index]:
                self.enqueue(index)
        return 0

    cdef int note(self, Py_ssize_t index) except -1:
        """Add to the trail where the run failed."""
        self.trail.extend(self.trails.pop(index, ()))
        self.trail.append((self.program, index))
        return 0

    def take_result(self):
        """The result, once nothing is left to run."""
        return <object>_items(self.slots)[self.program.result]


async def _over_items(Program program, items, bint is_map, list trail):
    """Map or filter a list with an asynchronous program, a window of items at a time; keeps their order."""
    cdef Crew crew = Crew()
    cdef list outputs = []
    cdef dict trails = {}
    cdef Py_ssize_t index = 0
    try:
        for item in items:
            while len(crew.live) >= WINDOW:
                await crew.changed()
                _take_outputs(crew, outputs, trails, trail)
            outputs.append(None)
            trails[index] = []
            try:
                output = crew.start(program.arun(item, trails[index]), index, False)
            except BaseException:
                trail.extend(trails[index])
                trail.append(index)
                raise
            if output is not PENDING:
                outputs[index] = output
                del trails[index]
            index += 1
        while crew.live:
            await crew.changed()
            _take_outputs(crew, outputs, trails, trail)
    except BaseException:
        if crew.live:
            await crew.stop()
        raise
    return outputs if is_map else [item for item, keep in zip(items, outputs) if keep]


cdef _take_outputs(Crew crew, list outputs, dict trails, list trail):
    while (task := crew.take()) is not None:
        index = crew.live.pop(task)
        inner = trails.pop(index)
        try:
            outputs[index] = task.result()
        except BaseException:
            trail.extend(inner)
            trail.append(index)
            raise

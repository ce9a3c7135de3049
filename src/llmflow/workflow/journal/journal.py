"""The journal: what every run tells, in order, in the database; written for all runs together.

One transaction takes what all runs have told by then. It waits a moment for more, so that a quick run is one
transaction; text on its way waits longer, since it is told again as a whole when its node ends; and it waits not at all
when a run ends or must know that it is written. Nothing polls: without news there is neither a task nor a timer.

The last event of a run is handed to its readers after the commit that has it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from llmflow.errors import InternalError, LLMFlowError, OrganError
from llmflow.store.batch import Batch, Prepared, Row
from llmflow.store.content import Scope
from llmflow.store.database import Database
from llmflow.workflow.events import Event, Last, TextChunk, WorkflowFinished, WorkflowStarted
from llmflow.workflow.journal.queries import INSERT_EVENTS, INSERT_RUN, UPDATE_RUN
from llmflow.workflow.journal.rows import columns, encoded, error_of, line_of, outputs_of, state_of
from llmflow.workflow.journal.stored import NewRun

_LINGER_S = 0.002
_TEXT_LINGER_S = 0.25
_AGAIN_S = (0.1, 0.5, 2.0)  # a database that does not answer is asked again after these
_LATER_S = 5.0  # endings that could not be written are tried again every so often
_FULL_BYTES = 1_000_000  # of one run, told and not yet written: then the run waits
_OWED = 1_000  # endings kept in memory while the disk is full, each with events of so many bytes at most:
_OWED_BYTES = 16_000

_log = logging.getLogger(__name__)

Tell = Callable[[Event], None]
Also = Callable[[bool, Last | None], Awaitable[Batch]]
Broken = Callable[[LLMFlowError], None]


async def _nothing(is_first: bool, last: Last | None) -> Batch:
    return ()


def _ignored(_: LLMFlowError) -> None: ...


class Record:
    """One run's place in the journal; the engine's Sink. `written`: how many events the database has."""

    def __init__(self, journal: Journal, run: NewRun, *, written: int, tell: Tell, also: Also, broken: Broken) -> None:
        self.run = run
        self.written = written
        self._journal = journal
        self._tell = tell
        self._also = also
        self._broken = broken
        self._first = True  # nothing was written by this process yet
        self._inputs = b"{}"
        self._lines: list[bytes] = []
        self._bytes = 0  # of the lines
        self._waiting: list[asyncio.Future[None]] = []
        self._last: Last | None = None
        self._taken: _Taken | None = None
        self.is_over = False
        self.is_given_up = False

    @property
    def is_full(self) -> bool:
        """More is told than the database takes: whoever can wait should, by `flush`."""
        return self._bytes > _FULL_BYTES

    def emit(self, event: Event) -> None:
        if type(event) is WorkflowStarted and not self.written:
            self._inputs = encoded(event.inputs)
        line = line_of(event)
        self._lines.append(line)
        self._bytes += len(line)
        self._journal.wake(self, _TEXT_LINGER_S if type(event) is TextChunk else _LINGER_S)
        self._tell(event)

    async def flush(self) -> None:
        """Raises OrganError (disk_full) when it cannot be written."""
        if self._lines or self._taken is not None:
            await self._until_written()

    async def close(self, event: Last) -> None:
        """Raises OrganError (disk_full): then no reader has seen the event, and `give_up` ends the run."""
        self._last = event
        await self._until_written()

    async def give_up(self, event: WorkflowFinished) -> None:
        """The end of a run that the database does not take: readers are told in any case, and it is written later.
        Nothing happens when the run's own end was written meanwhile."""
        self._last = None
        if self._taken is not None:
            with contextlib.suppress(LLMFlowError):
                await self._taken.wait()
        if self.is_over:
            return
        self._last = event
        self.is_given_up = True
        await self._until_written()

    def _until_written(self) -> asyncio.Future[None]:
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiting)
        self._journal.wake(self, 0)
        return waiting

    @property
    def is_waited_for(self) -> bool:
        return bool(self._waiting)


class _Taken:
    """What one transaction takes of a record."""

    def __init__(self, record: Record) -> None:
        self.record = record
        record._taken = self
        self.lines, record._lines = record._lines, []
        self.waiting, record._waiting = record._waiting, []
        self.bytes, record._bytes = record._bytes, 0
        self.last, record._last = record._last, None
        self.is_first, record._first = record._first, False

    def wait(self) -> asyncio.Future[None]:
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.waiting.append(waiting)
        return waiting

    async def rows(self) -> Batch:
        """What others write with this."""
        if not self.is_first and self.last is None:
            return ()
        return await self.record._also(self.is_first, self.last)

    def written(self) -> None:
        self.record.written += len(self.lines) + (self.last is not None)
        if self.last is not None:
            self.record.is_over = True
            self.record._tell(self.last)
        self._release(None)

    def failed(self, error: LLMFlowError) -> None:
        """What was told goes before what was told since. The end does not: it did not come about."""
        record = self.record
        record._lines[:0] = self.lines
        record._bytes += self.bytes
        record._first = self.is_first
        self._release(error)
        if self.last is None:
            record._broken(error)

    def owed(self) -> None:
        """Readers learn the end now, the database later."""
        if self.bytes > _OWED_BYTES:
            self.lines = self.lines[:1]
        if self.last is not None:
            self.record.is_over = True
            self.record._tell(self.last)
        self._release(None)

    def _release(self, error: LLMFlowError | None) -> None:
        self.record._taken = None
        for waiting in self.waiting:
            if waiting.done():
                continue
            if error is None:
                waiting.set_result(None)
            else:
                waiting.set_exception(error)
                waiting.exception()  # it may be that nobody waits any more
        self.waiting = []


class Journal:
    """All runs of this process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._dirty: dict[Record, None] = {}
        self._owed: list[_Taken] = []
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._later: asyncio.TimerHandle | None = None
        self._paying: asyncio.Task[None] | None = None

    def open(
        self, run: NewRun, *, tell: Tell, written: int = 0, also: Also | None = None, broken: Broken = _ignored
    ) -> Record:
        """The place of a run that begins, or goes on behind its `written` events. `tell` hands each event to the
        readers. `also(is_first, last)`: rows of others that are written with the run's first batch in this process and
        with its last event, asked anew when a batch is written anew. `broken`: called when the database
        does not take what the run told; it should end by `give_up`. Raises OrganError (disk_full) while the database
        owes the ends of too many runs."""
        if len(self._owed) >= _OWED:
            raise OrganError("The database takes nothing; too many runs wait to be written.", code="disk_full")
        return Record(self, run, written=written, tell=tell, also=also or _nothing, broken=broken)

    def wake(self, record: Record, within_s: float) -> None:
        """The record has news, to be written in `within_s` at the latest."""
        if within_s == _TEXT_LINGER_S and record in self._dirty:
            return  # it is written by then
        self._dirty[record] = None
        if self._task is not None:
            return  # it looks again when it is done
        if not within_s:
            self._start()
            return
        loop = asyncio.get_running_loop()
        if self._timer is not None:
            if self._timer.when() <= loop.time() + within_s:
                return
            self._timer.cancel()
        self._timer = loop.call_later(within_s, self._start)

    async def close(self) -> None:
        """Writes what is left; what the database does not take is logged."""
        self._start()
        while self._task is not None:
            await asyncio.shield(self._task)
            self._start()
        if self._later is not None:
            self._later.cancel()
        if self._owed and self._paying is None:
            self._pay()
        if self._paying is not None:
            await asyncio.shield(self._paying)
        if self._later is not None:
            self._later.cancel()
        if self._owed:
            _log.error("The ends of %d runs could not be written.", len(self._owed))

    def _start(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._task is None and self._dirty:
            self._task = asyncio.get_running_loop().create_task(self._write(), name="journal")

    async def _write(self) -> None:
        try:
            while self._dirty:
                taken, self._dirty = [_Taken(record) for record in self._dirty], {}
                await self._write_once(taken)
                if not any(record.is_waited_for for record in self._dirty):
                    break
        finally:
            self._task = None
            if self._dirty and self._timer is None:
                self._timer = asyncio.get_running_loop().call_later(_LINGER_S, self._start)

    async def _write_once(self, taken: list[_Taken]) -> None:
        try:
            await self._apply(await self._rows_of(taken))
        except (LLMFlowError, SQLAlchemyError) as error:
            if isinstance(error, OrganError) or len(taken) == 1:
                for one in taken:
                    self._not_written(one, _known(error))
                return
            for one in taken:  # only the run whose rows are refused shall suffer
                await self._write_once([one])
            return
        for one in taken:
            one.written()

    def _not_written(self, one: _Taken, error: LLMFlowError) -> None:
        if one.last is None or not one.record.is_given_up:
            one.failed(error)
            return
        one.owed()
        self._owed.append(one)
        self._pay_later()

    async def _apply(self, rows: Batch) -> None:
        """The same rows again until the database answers: written twice they do no harm."""
        for wait_s in _AGAIN_S:
            try:
                await self._database.apply(rows)
                return
            except OrganError as error:
                if error.code == "disk_full":
                    raise
            await asyncio.sleep(wait_s)
        await self._database.apply(rows)

    def _pay_later(self) -> None:
        if self._later is None and self._paying is None:
            self._later = asyncio.get_running_loop().call_later(_LATER_S, self._pay)

    def _pay(self) -> None:
        self._later = None
        self._paying = asyncio.get_running_loop().create_task(self._pay_owed(), name="journal, what is owed")

    async def _pay_owed(self) -> None:
        owed, self._owed = self._owed, []
        try:
            await self._database.apply(await self._rows_of(owed))
        except (LLMFlowError, SQLAlchemyError) as error:
            _log.warning("The ends of %d runs are still to be written: %s", len(owed), error)
            self._owed = owed + self._owed
        finally:
            self._paying = None
            if self._owed:
                self._pay_later()

    async def _rows_of(self, taken: list[_Taken]) -> Batch:
        runs, changed, events = [], [], []
        others: list[tuple[Prepared, Sequence[Row]]] = []
        for one in taken:
            record, run, last = one.record, one.record.run, one.last
            lines = one.lines if last is None else [*one.lines, line_of(last)]
            words = [b"\n".join(lines), record._inputs, outputs_of(last), error_of(last)]
            scope = Scope("run", run.id)
            told, inputs, outputs, error = await self._database.boundary.admit(scope, [w.decode() for w in words])
            if one.is_first or last is not None:
                state = state_of(last, outputs, error)
                if record.written:
                    changed.append({"key": run.id, **state})
                elif one.is_first:
                    runs.append({**columns(run), "inputs": inputs, **state})
            if lines:
                first = record.written + 1
                events.append({"run_id": run.id, "first": first, "workspace_id": run.workspace_id, "events": told})
            others += await one.rows()
        batch: list[tuple[Prepared, list[dict[str, Any]]]] = [
            (prepared, rows)
            for prepared, rows in ((INSERT_RUN, runs), (UPDATE_RUN, changed), (INSERT_EVENTS, events))
            if rows
        ]
        return [*batch, *others]


def _known(error: LLMFlowError | SQLAlchemyError) -> LLMFlowError:
    if isinstance(error, LLMFlowError):
        return error
    _log.error("what a run told cannot be written", exc_info=error)
    return InternalError("What the run told could not be written.")

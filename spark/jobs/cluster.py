"""Where a job's tasks run: on Spark, or on a test's substitute (large crash tests use threads).

Results are yielded as tasks finish, so that a day can be published while others are still being read. Nothing about the
work itself belongs here.
"""

from __future__ import annotations

import queue
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from spark.errors import EngineError

if TYPE_CHECKING:
    from pyspark import SparkContext

Item = TypeVar("Item")
Result = TypeVar("Result")

_PYTHON_ERROR = re.compile(r"^[a-z_][\w.]*\.\w+(Error|Exception): |^\w+Error: ")


class Cluster(Protocol):
    """Runs one function over many items, each item one task."""

    @property
    def cores(self) -> int:
        """How many tasks run at once."""

    def run(self, function: Callable[[Item], Result], items: Sequence[Item], *, name: str) -> Iterator[Result]:
        """Yields results in the order in which tasks finish.

        Raises:
            EngineError: a task failed for good, after the cluster's own retries.
        """


class SparkCluster:
    """A Spark application. Results return through an accumulator, which Spark merges exactly once per task, as it ends."""

    def __init__(self, context: SparkContext) -> None:
        self._context = context

    @property
    def cores(self) -> int:
        """Spark's default parallelism: the cores of the executors that have registered."""
        return max(1, self._context.defaultParallelism)

    def run(self, function: Callable[[Item], Result], items: Sequence[Item], *, name: str) -> Iterator[Result]:
        """See `Cluster.run`."""
        if not items:
            return
        arrived: queue.SimpleQueue[list[Any] | None] = queue.SimpleQueue()
        failures: list[Exception] = []
        threading.Thread(target=self._work, args=(function, items, name, arrived, failures), daemon=True).start()
        while (results := arrived.get()) is not None:
            yield from results
        if failures:
            raise EngineError(
                f"a task of the stage {name!r} was lost: {_reason(failures[0])}",
                remedy="Look at the application's log; a plain retry does only what is missing",
            ) from failures[0]

    def _work(
        self,
        function: Callable[[Item], Result],
        items: Sequence[Item],
        name: str,
        arrived: queue.SimpleQueue[list[Any] | None],
        failures: list[Exception],
    ) -> None:
        from py4j.protocol import Py4JError
        from pyspark.errors import PySparkException

        results = self._context.accumulator([], _forwarding(arrived))
        try:
            self._context.setJobDescription(name)
            self._context.parallelize(items, len(items)).foreach(lambda item: results.add([function(item)]))
        except (Py4JError, PySparkException, OSError) as error:
            failures.append(error)
        finally:
            arrived.put(None)  # after every result: Spark merges a task's before it reports that the stage has ended


def _forwarding(arrived: queue.SimpleQueue[list[Any] | None]) -> Any:
    """An accumulator parameter that concatenates lists within a task, and in the driver puts each task's list on the queue."""
    from pyspark.accumulators import AccumulatorParam, AddingAccumulatorParam

    class Forwarding(AccumulatorParam[list[Any]]):
        def zero(self, value: list[Any]) -> list[Any]:
            return []

        def addInPlace(self, value1: list[Any], value2: list[Any]) -> list[Any]:  # noqa: N802 - pyspark's name
            arrived.put(value2)
            return value1

        def __reduce__(self) -> tuple[object, ...]:
            return (AddingAccumulatorParam, ([],))

    return Forwarding()


def _reason(error: Exception) -> str:
    """The task's own Python error where the trace holds one, else the first line."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    raised = [line for line in lines if _PYTHON_ERROR.match(line)]
    return (raised or lines or [type(error).__name__])[0][:500]

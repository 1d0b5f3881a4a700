"""Hands partitions to a Dask cluster: a path and a range of rows each, never the rows."""

from __future__ import annotations

__all__ = ["DaskEngine"]

from concurrent.futures import Future
from typing import Any

from distributed import Client, LocalCluster
from distributed.scheduler import KilledWorker

from greenlang.engine.batches import Computed, PartitionTask, WorkerLost, compute_partition
from greenlang.errors import InputError

#: Seconds to wait for a scheduler that may not be there.
CONNECT_S = 5.0


class DaskEngine:
    """A `greenlang.engine.batches.BatchEngine` over Dask.

    Parameters
    ----------
    url : str
        `dask` for a cluster that lives as long as this engine, or `dask://host:port` of a scheduler.
    workers : int, optional
        Of a cluster of its own: how many processes; as many as there are processors if it is left out. Of
        another: how many partitions it has at once; as many as its threads if it is left out.

    Raises
    ------
    InputError
        If there is no scheduler at the address, or it has no workers.
    """

    def __init__(self, url: str, workers: int | None = None) -> None:
        address = url.partition("://")[2]
        self._cluster = None if address else _local_cluster(workers)
        try:
            #: Dask's own view of the cluster.
            self.client = Client(self._cluster or f"tcp://{address}", timeout=CONNECT_S)
        except OSError as error:
            raise InputError(
                f"no Dask scheduler answers at '{address}'", fix="start one with: dask scheduler"
            ) from error
        except ValueError as error:
            raise InputError(
                f"'{address}' is no address of a Dask scheduler", fix="write dask://HOST:PORT"
            ) from error
        self.workers = workers or sum(self.client.nthreads().values())
        if not self.workers:
            self.close()
            raise InputError(f"the Dask cluster at '{address}' has no workers", fix="start some: dask worker")
        self._theirs: dict[Future[Computed], Any] = {}

    def submit(self, task: PartitionTask) -> Future[Computed]:
        """As `BatchEngine.submit`; Dask does not tell when a worker begins, so its time counts from here."""
        ours: Future[Computed] = Future()
        ours.set_running_or_notify_cancel()
        # Impure: a second try must be computed, and not be the first one's failure.
        theirs = self.client.submit(compute_partition, task, pure=False)
        self._theirs[ours] = theirs
        theirs.add_done_callback(lambda done: self._done(ours, done))
        return ours

    def abandon(self, future: Future[Computed]) -> None:
        """As `BatchEngine.abandon`."""
        theirs = self._theirs.pop(future, None)
        if theirs is not None:
            theirs.cancel()

    def close(self) -> None:
        """As `BatchEngine.close`; a cluster that was there before stays."""
        self.client.close()
        if self._cluster is not None:
            self._cluster.close()

    def _done(self, ours: Future[Computed], theirs: Any) -> None:
        if self._theirs.pop(ours, None) is None:
            return  # given up
        if theirs.status == "finished":
            ours.set_result(theirs.result())
            return
        error = theirs.exception() if theirs.status == "error" else None
        if error is None or isinstance(error, KilledWorker):
            error = WorkerLost(str(error or "the cluster lost the partition"))
        ours.set_exception(error)


def _local_cluster(workers: int | None) -> LocalCluster:
    # Processes, because one that is killed costs no more than a try; the dashboard would be an open port.
    return LocalCluster(n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=None)

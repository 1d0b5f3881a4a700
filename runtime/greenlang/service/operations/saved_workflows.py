"""Programs that a tenant saved under names: save a version, look at them."""

from __future__ import annotations

__all__ = ["SavedWorkflows"]

from greenlang.engine.executions import Runner, time_text
from greenlang.engine.tenancy import Workflows as WorkflowKeeper
from greenlang.service.messages import (
    Fault,
    SavedWorkflowData,
    SavedWorkflowList,
    SavedWorkflowQuery,
    SaveWorkflowRequest,
)
from greenlang.service.operations.acting import actor
from greenlang.service.operations.told import unknown
from greenlang.service.reading import read_body, read_query
from greenlang.service.roles import Permission
from greenlang.service.routing import Route
from greenlang.service.wire import Call, Refusal, Reply, answer, next_link
from greenlang.stores.tables import SavedWorkflow

_LONGEST_VERSION = 9


class SavedWorkflows:
    """Operations on saved programs, over a runner and its store."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._workflows = WorkflowKeeper(runner.store.rows)

    def routes(self) -> list[Route]:
        """What is answered here."""
        return [
            Route(
                "POST",
                "/v1/workflows",
                self.save_workflow,
                "Save a program under a name",
                permission=Permission.RUN,
                request=SaveWorkflowRequest,
                answers={201: (SavedWorkflowData,)},
                examples={"A sum": {"name": "monthly", "program": "sum"}},
            ),
            Route(
                "GET",
                "/v1/workflows",
                self.saved_workflows,
                "List saved programs",
                permission=Permission.READ,
                query=SavedWorkflowQuery,
                answers={200: (SavedWorkflowList,)},
            ),
            Route(
                "GET",
                "/v1/workflows/{name}",
                self.saved_workflow,
                "The newest version of a saved program",
                permission=Permission.READ,
                answers={200: (SavedWorkflowData,)},
            ),
            Route(
                "GET",
                "/v1/workflows/{name}/versions/{version}",
                self.saved_version,
                "One version of a saved program",
                permission=Permission.READ,
                answers={200: (SavedWorkflowData,)},
            ),
        ]

    async def save_workflow(self, call: Call) -> Reply:
        """`POST /v1/workflows`."""
        asked = read_body(call, SaveWorkflowRequest)
        plan = await self._runner.plan(asked.program)  # one that does not compile is not kept
        made = await self._workflows.save(
            call.tenant,
            asked.name,
            asked.program,
            summary=asked.summary,
            plan_hash=plan.hash,
            actor=actor(),
        )
        location = ("Location", f"/v1/workflows/{made.name}/versions/{made.version}")
        return answer(call, _told(made), status=201, headers=(location,))

    async def saved_workflows(self, call: Call) -> Reply:
        """`GET /v1/workflows`."""
        asked = read_query(call, SavedWorkflowQuery)
        after = None if asked.cursor is None else _place_of(asked.cursor)
        found = await self._workflows.workflows(call.tenant, after=after, limit=asked.limit + 1)
        page = found[: asked.limit]
        cursor = f"{page[-1].name}@{page[-1].version}" if len(found) > asked.limit else None
        headers = () if cursor is None else (next_link(call, cursor),)
        return answer(call, SavedWorkflowList([_told(one) for one in page], cursor), headers=headers)

    async def saved_workflow(self, call: Call) -> Reply:
        """`GET /v1/workflows/{name}`."""
        found = await self._workflows.workflow(call.tenant, call.names["name"])
        if found is None:
            raise unknown("workflow", call.names["name"])
        return answer(call, _told(found))

    async def saved_version(self, call: Call) -> Reply:
        """`GET /v1/workflows/{name}/versions/{version}`."""
        name, version = call.names["name"], call.names["version"]
        found = None
        if version.isascii() and version.isdigit() and len(version) <= _LONGEST_VERSION:
            found = await self._workflows.workflow(call.tenant, name, int(version))
        if found is None:
            raise unknown("workflow", f"{name}@{version}")
        return answer(call, _told(found))


def _place_of(cursor: str) -> tuple[str, int]:
    name, _, version = cursor.rpartition("@")
    if not (version.isascii() and version.isdigit() and len(version) <= _LONGEST_VERSION):
        fault = Fault("query", f"'{cursor[:80]}' is no cursor of this list", "cursor")
        raise Refusal(400, fault)
    return name, int(version)


def _told(saved: SavedWorkflow) -> SavedWorkflowData:
    return SavedWorkflowData(
        workflow=f"{saved.name}@{saved.version}",
        name=saved.name,
        version=saved.version,
        program=saved.program,
        summary=saved.summary,
        plan_hash=saved.plan_hash,
        created_at=time_text(saved.created_at),
        created_by=saved.created_by,
    )

"""The organisations of a tenant and its users."""

from __future__ import annotations

__all__ = ["People"]

import msgspec

from greenlang.engine.tenancy import People as PeopleKeeper
from greenlang.service.messages import (
    OrganisationData,
    OrganisationList,
    OrganisationRequest,
    UserData,
    UserList,
    UserQuery,
    UserRequest,
)
from greenlang.service.operations.acting import actor, conflict
from greenlang.service.operations.told import unknown
from greenlang.service.reading import read_body, read_query
from greenlang.service.roles import Permission
from greenlang.service.routing import Route
from greenlang.service.wire import Call, Reply, answer, next_link
from greenlang.stores import Store
from greenlang.stores.tables import User


class People:
    """Operations on organisations and users, over a store."""

    def __init__(self, store: Store) -> None:
        self._people = PeopleKeeper(store.rows)

    def routes(self) -> list[Route]:
        """What is answered here."""
        read, manage = Permission.READ, Permission.MANAGE
        organisations: dict[int, tuple[type[msgspec.Struct], ...]] = {200: (OrganisationList,)}
        return [
            Route(
                "POST",
                "/v1/organisations",
                self.add_organisation,
                "Add an organisation",
                permission=manage,
                request=OrganisationRequest,
                answers={201: (OrganisationData,)},
                refusals=(409,),
            ),
            Route(
                "GET",
                "/v1/organisations",
                self.organisations,
                "List organisations",
                permission=read,
                answers=organisations,
            ),
            Route(
                "DELETE",
                "/v1/organisations/{id}",
                self.remove_organisation,
                "Remove an organisation that nothing belongs to",
                permission=manage,
                answers=organisations,
                refusals=(409,),
            ),
            Route(
                "GET",
                "/v1/users",
                self.users,
                "List users",
                permission=read,
                query=UserQuery,
                answers={200: (UserList,)},
            ),
            Route(
                "PUT",
                "/v1/users/{id}",
                self.put_user,
                "Add or change a user",
                permission=manage,
                request=UserRequest,
                answers={200: (UserData,)},
                refusals=(409,),
            ),
            Route(
                "DELETE",
                "/v1/users/{id}",
                self.remove_user,
                "Remove a user",
                permission=manage,
                answers={200: (UserList,)},
            ),
        ]

    async def add_organisation(self, call: Call) -> Reply:
        """`POST /v1/organisations`."""
        asked = read_body(call, OrganisationRequest)
        made = await self._people.add_organisation(
            call.tenant, asked.id, name=asked.name, parent=asked.parent, actor=actor()
        )
        if made is None:
            raise conflict("id", f"'{asked.id}' is there, or its parent is not", "look at the organisations")
        return answer(call, OrganisationData(made.id, made.name, made.parent), status=201)

    async def organisations(self, call: Call) -> Reply:
        """`GET /v1/organisations`."""
        found = await self._people.organisations(call.tenant)
        return answer(
            call, OrganisationList([OrganisationData(one.id, one.name, one.parent) for one in found])
        )

    async def remove_organisation(self, call: Call) -> Reply:
        """`DELETE /v1/organisations/{id}`."""
        name = call.names["id"]
        if not await self._people.remove_organisation(call.tenant, name, actor=actor()):
            if any(one.id == name for one in await self._people.organisations(call.tenant)):
                raise conflict("id", f"something belongs to '{name[:80]}'", "remove or move that first")
            raise unknown("organisation", name)
        return await self.organisations(call)

    async def users(self, call: Call) -> Reply:
        """`GET /v1/users`."""
        asked = read_query(call, UserQuery)
        return await self._list(call, asked)

    async def put_user(self, call: Call) -> Reply:
        """`PUT /v1/users/{id}`."""
        asked = read_body(call, UserRequest)
        made = await self._people.put_user(
            call.tenant,
            call.names["id"],
            name=asked.name,
            organisation=asked.organisation,
            roles=tuple(sorted(set(asked.roles))),
            actor=actor(),
        )
        if made is None:
            message = f"there is no organisation '{asked.organisation}', or somebody else changed the user"
            raise conflict("organisation", message, "look at both, and try again")
        return answer(call, _told(made))

    async def remove_user(self, call: Call) -> Reply:
        """`DELETE /v1/users/{id}`."""
        if not await self._people.remove_user(call.tenant, call.names["id"], actor=actor()):
            raise unknown("user", call.names["id"])
        return await self._list(call, UserQuery())

    async def _list(self, call: Call, asked: UserQuery) -> Reply:
        found = await self._people.users(call.tenant, after=asked.cursor, limit=asked.limit + 1)
        page = found[: asked.limit]
        cursor = page[-1].id if len(found) > asked.limit else None
        headers = () if cursor is None else (next_link(call, cursor),)
        return answer(call, UserList([_told(one) for one in page], cursor), headers=headers)


def _told(user: User) -> UserData:
    return UserData(user.id, user.name, list(user.roles), user.organisation)

"""Roles, what they permit, who has them, and who is in which group, as the gateway's objects.

Object and field names are those that companies copy out of Intacct; what POLICYNAME and RIGHTS hold is documented nowhere.
"""

from __future__ import annotations

from sandbox.gateway.books.roles import Roles
from sandbox.gateway.functions.schema import ObjectType, fields, key, of, text


def role_objects(roles: Roles) -> list[ObjectType]:
    role = fields(key(), text("NAME", "name", "Name"))
    group = fields(key(), text("NAME", "name", "Name"))
    right = fields(
        key(),
        of("INTEGER", "ROLEKEY", "role.record_no", "Role key"),
        text("POLICYNAME", "permission", "Permission"),
        text("RIGHTS", "rights", "Rights"),
    )
    assignment = fields(
        key(),
        of("INTEGER", "ROLEKEY", "role.record_no", "Role key"),
        text("ROLENAME", "role.name", "Role"),
        of("INTEGER", "USER_GROUP_KEY", "holder.record_no", "User or group key"),
        text("TYPE", "kind", "Type", values=("U", "G")),
    )
    member = fields(
        key(),
        of("INTEGER", "USERGROUPKEY", "group.record_no", "Group key"),
        of("INTEGER", "USERKEY", "user.record_no", "User key"),
    )
    return [
        ObjectType(name="ROLES", table=roles.roles, fields=role, name_field="NAME"),
        ObjectType(name="USERGROUP", table=roles.groups, fields=group, name_field="NAME"),
        ObjectType(name="ROLEPOLICYASSIGNMENT", table=roles.rights, fields=right),
        ObjectType(name="ROLEASSIGNMENT", table=roles.assignments, fields=assignment),
        ObjectType(name="MEMBERUSERGROUP", table=roles.members, fields=member),
    ]

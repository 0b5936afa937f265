from tenants.selectors.people import (
    find_member,
    find_membership,
    list_invitations,
    list_members,
    list_memberships_of,
)
from tenants.selectors.tenants import enter_tenant, find_tenant, get_node, get_tenant, list_nodes, list_tenants

__all__ = [
    "enter_tenant",
    "find_member",
    "find_membership",
    "find_tenant",
    "get_node",
    "get_tenant",
    "list_invitations",
    "list_members",
    "list_memberships_of",
    "list_nodes",
    "list_tenants",
]

from tenants.models.invitation import Invitation
from tenants.models.membership import Membership, Role
from tenants.models.node import StorageNode
from tenants.models.route import SecretKind, SecretRoute
from tenants.models.tenant import Tenant
from tenants.models.user import User

__all__ = ["Invitation", "Membership", "Role", "SecretKind", "SecretRoute", "StorageNode", "Tenant", "User"]

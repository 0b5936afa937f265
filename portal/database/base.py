"""Django's PostgreSQL backend, but for how it finds out that a kept connection is dead."""

import select

from django.db.backends.postgresql import base


class DatabaseWrapper(base.DatabaseWrapper):
    """Looks at the socket before each request instead of asking the server `SELECT 1` (`CONN_HEALTH_CHECKS`)."""

    def is_usable(self) -> bool:
        """Whether the connection still stands.

        A server that went away has closed its end, so there is something to read; on a connection that is only idle
        there is nothing. What else may have arrived (a notice) is left to Django's own way of asking.
        """
        if self.connection is None or self.connection.closed:
            return False
        poll = select.poll()
        poll.register(self.connection.fileno(), select.POLLIN)
        return not poll.poll(0) or super().is_usable()

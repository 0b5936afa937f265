"""The API's reference in a real browser, under the policy every page has: nothing inline, nothing from elsewhere."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from tests.e2e.stack import RunningStack

pytestmark = pytest.mark.e2e


def test_a_token_can_be_tried_in_the_reference(stack: RunningStack, open_browser: Callable[..., Page]) -> None:
    token = stack.manage(
        "create_token", "--tenant", "northside", "--user", stack.account("bob").email, "--scope", "read"
    ).split()[-1]  # fmt: skip
    page, asked = open_browser(), []
    page.on("request", lambda request: asked.append(request.url))

    page.goto("/api/docs/")
    page.locator(".btn.authorize").click()
    page.locator(".auth-container input").fill(token)
    page.locator(".auth-btn-wrapper .authorize").click()
    page.locator(".btn-done").click()
    operation = page.locator("#operations-Token-read_token")
    operation.locator(".opblock-summary-control").click()
    operation.locator(".execute").click()

    assert '"slug": "northside"' in operation.locator(".live-responses-table").inner_text()
    assert [url for url in asked if not url.startswith((stack.origin, "data:", "blob:"))] == []

"""What a request's head may say before Django reads it."""

import io

import pytest
from django.test import RequestFactory

from portal.wsgi import application

pytestmark = pytest.mark.django_db


def status_of(content_type: str) -> str:
    environ = RequestFactory().get("/healthz").environ | {"CONTENT_TYPE": content_type, "wsgi.input": io.BytesIO()}
    said: list[str] = []
    for _ in application(environ, lambda status, headers, *_: said.append(status)):
        pass
    return said[0]


@pytest.mark.parametrize("content_type", ["a/b; c*=xyz''d", "a/b; c*=utf-99''%ff"])
def test_a_content_type_in_an_unknown_encoding_is_the_clients_mistake(content_type: str) -> None:
    assert status_of(content_type) == "400 Bad Request"


@pytest.mark.parametrize("content_type", ["", "text/plain", "a/b; c*=utf-8''d"])
def test_others_reach_their_page(content_type: str) -> None:
    assert status_of(content_type) == "200 OK"

"""Routes of bearer tokens."""

from django.urls import path

from imaging.views import tokens

urlpatterns = [
    path("t/<slug:slug>/connections/", tokens.tokens, name="tokens"),
    path("t/<slug:slug>/connections/tokens/<uuid:token_id>/revoke", tokens.token_revoke, name="token_revoke"),
]

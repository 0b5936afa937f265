"""What a browser sends when films have been laid into a mount."""

import json
import re
from dataclasses import dataclass

from imaging.dicom.uid import InvalidUID, validate_uid

MAX_FILMS = 60
MAX_BODY = 32 * 1024
_NAME = re.compile(r"[a-z0-9-]{1,40}", re.ASCII)
_TURNS = (0, 90, 180, 270)


class BadMount(ValueError):
    """What was sent is no mount."""


@dataclass(frozen=True)
class MountFilms:
    """A template's name and the films in it, each as `Mount.films` holds it; `revision` is the one it was made from."""

    template: str
    films: list[dict[str, object]]
    revision: int


def read_mount(body: bytes) -> MountFilms:
    """Parse what was sent; names, UIDs and quarter turns only, each position and each image once.

    Raises
    ------
    BadMount
    """
    sent = _object(body)
    films = sent.get("films")
    if not _is_name(sent.get("template")) or not isinstance(films, list) or len(films) > MAX_FILMS:
        raise BadMount
    revision = sent.get("revision", 0)
    if type(revision) is not int or not 0 <= revision < 2**31:
        raise BadMount
    read = [_film(film) for film in films]
    for key in ("position", "instance"):
        if len({film[key] for film in read}) != len(read):
            raise BadMount
    return MountFilms(sent["template"], read, revision)


def _object(body: bytes) -> dict[str, object]:
    if len(body) > MAX_BODY:
        raise BadMount
    try:
        sent = json.loads(body)
    except (ValueError, RecursionError):
        raise BadMount from None
    if not isinstance(sent, dict):
        raise BadMount
    return sent


def _film(film: object) -> dict[str, object]:
    if not isinstance(film, dict) or not _is_name(film.get("position")):
        raise BadMount
    series, instance, rotate, flip = (film.get(key) for key in ("series", "instance", "rotate", "flip"))
    try:
        validate_uid(str(series)), validate_uid(str(instance))
    except InvalidUID:
        raise BadMount from None
    if type(rotate) is not int or rotate not in _TURNS or type(flip) is not bool:
        raise BadMount
    uids = {"series": str(series), "instance": str(instance)}
    return {"position": film["position"], **uids, "rotate": rotate, "flip": flip}


def _is_name(value: object) -> bool:
    return isinstance(value, str) and bool(_NAME.fullmatch(value))

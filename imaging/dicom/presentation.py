"""How a rendered image shall look: window, viewport and quality as clients write them (PS3.18 §8.3.5.1)."""

import math
import re
from dataclasses import asdict, dataclass

MAX_EDGE = 8192  # pixels of a viewport
DEFAULT_QUALITY = 90
FUNCTIONS = {"linear": "LINEAR", "linear-exact": "LINEAR_EXACT", "sigmoid": "SIGMOID"}
_NUMBER = re.compile(r"[+-]?(\d{1,12}(\.\d{0,12})?|\.\d{1,12})([eE][+-]?\d{1,3})?", re.ASCII)
_COUNT = re.compile(r"\d{1,5}", re.ASCII)


class InvalidParameter(ValueError):
    """A parameter of the request cannot be understood; the text names it and says what is wanted."""

    def __init__(self, name: str, wanted: str) -> None:
        super().__init__(f"{name}: {wanted}")
        self.name = name


@dataclass(frozen=True)
class Window:
    """A VOI window (PS3.3 §C.11.2.1.2); `function` is a value of VOI LUT Function."""

    center: float
    width: float
    function: str = "LINEAR"


@dataclass(frozen=True)
class Viewport:
    """A box of `width` x `height` pixels the picture is scaled to fit, and what of the image it shows.

    `region` is (x, y, width, height) in pixels of the image; a negative width or height flips, None reaches to the
    edge. With `relative`, fractions of the image instead.
    """

    width: int | None
    height: int | None
    region: tuple[float, float, float | None, float | None] | None = None
    relative: bool = False


@dataclass(frozen=True)
class Presentation:
    """All a client may say about a picture. `edge` caps its sides, and never enlarges; `invert` is for grey ones."""

    media_type: str = "image/jpeg"
    window: Window | None = None
    viewport: Viewport | None = None
    quality: int = DEFAULT_QUALITY
    edge: int | None = None
    invert: bool = False

    def arguments(self) -> dict[str, object]:
        """As JSON, for the sandbox and for an entity tag."""
        return asdict(self)


def presentation_of(arguments: dict[str, object]) -> Presentation:
    """What `Presentation.arguments` gave."""
    window, viewport = arguments["window"], arguments["viewport"]
    if viewport and viewport["region"]:
        viewport = viewport | {"region": tuple(viewport["region"])}
    return Presentation(**arguments | {
        "window": Window(**window) if window else None, "viewport": Viewport(**viewport) if viewport else None,
    })  # fmt: skip


def parse_window(text: str, name: str = "window") -> Window:
    """`center,width[,function]` (PS3.18 §8.3.5.1.3); raises `InvalidParameter`."""
    values = [value.strip() for value in text.split(",")]
    function = FUNCTIONS.get(values[2].lower()) if len(values) == 3 else "LINEAR"
    if len(values) not in (2, 3) or function is None:
        raise InvalidParameter(name, f"center,width,function, the last one of {', '.join(FUNCTIONS)}")
    return make_window(_number(values[0], name), _number(values[1], name), function, name)


def make_window(center: float, width: float, function: str = "LINEAR", name: str = "window") -> Window:
    """A window that can be applied (PS3.3 §C.11.2.1.2.1); raises `InvalidParameter`."""
    if width < 1 if function == "LINEAR" else width <= 0:
        raise InvalidParameter(name, "the width is at least 1 (linear) or above 0")
    return Window(center, width, function)


def parse_viewport(text: str, *, regions: bool = True) -> Viewport:
    """`vw,vh[,sx,sy,sw,sh]`, any of the last four left empty (PS3.18 §8.3.5.1.2); raises `InvalidParameter`."""
    values = [value.strip() for value in text.split(",")]
    if len(values) not in ((2, 3, 4, 5, 6) if regions else (2,)):
        raise InvalidParameter("viewport", "width,height" + ("[,x,y,width,height]" if regions else ""))
    width, height = (parse_edge(value, "viewport") for value in values[:2])
    if not any(values[2:]):
        return Viewport(width, height)
    given = [_number(value, "viewport") if value else None for value in values[2:]]
    x, y, across, down = given + [None] * (4 - len(given))
    if across == 0 or down == 0 or min(x or 0, y or 0) < 0:
        raise InvalidParameter("viewport", "the region has a size, and starts within the image")
    return Viewport(width, height, (x or 0.0, y or 0.0, across, down))


def parse_region(text: str, columns: int | None, rows: int | None) -> Viewport:
    """WADO-URI's `xmin,ymin,xmax,ymax` as fractions of the image (PS3.18 §9.1.2.2.6); raises `InvalidParameter`."""
    values = [_number(value.strip(), "region") for value in text.split(",")]
    if len(values) != 4:
        raise InvalidParameter("region", "xmin,ymin,xmax,ymax")
    left, top, right, bottom = values
    if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1):
        raise InvalidParameter("region", "fractions of the image, from 0 to 1")
    return Viewport(columns, rows, (left, top, right - left, bottom - top), relative=True)


def parse_quality(text: str, name: str = "quality") -> int:
    """1 to 100 (PS3.18 §8.3.5.1.4); raises `InvalidParameter`."""
    if not _COUNT.fullmatch(text) or not 1 <= int(text) <= 100:
        raise InvalidParameter(name, "a whole number from 1 to 100")
    return int(text)


def parse_edge(text: str, name: str) -> int:
    """A number of pixels; raises `InvalidParameter`."""
    if not _COUNT.fullmatch(text) or not 1 <= int(text) <= MAX_EDGE:
        raise InvalidParameter(name, f"a whole number of pixels from 1 to {MAX_EDGE}")
    return int(text)


def parse_number(text: str, name: str) -> float:
    """A decimal number; raises `InvalidParameter`."""
    return _number(text.strip(), name)


def _number(text: str, name: str) -> float:
    if not _NUMBER.fullmatch(text) or not math.isfinite(float(text)):
        raise InvalidParameter(name, "a decimal number")
    return float(text)

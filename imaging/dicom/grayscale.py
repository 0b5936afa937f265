"""The grayscale pipeline: stored values → modality LUT → VOI → eight bits (PS3.3 §C.11.1, §C.11.2, PS3.4 §N.2).

Runs only inside the sandbox. Values of up to 16 bits go through a table of every value there can be, so that the cost
per pixel is one look-up.
"""

import numpy as np
from pydicom import Dataset

from imaging.dicom.presentation import Window

_TABLE_BITS = 16


class EmptyLUT(ValueError):
    """A look-up table without entries."""


def to_grey(data_set: Dataset, pixels: np.ndarray, number: int, window: Window | None) -> np.ndarray:
    """Eight-bit grey, dark is low: `number` is the frame's, for what enhanced objects say of each frame.

    Parameters
    ----------
    pixels
        Stored values, (rows, columns).
    window
        The client's; else the frame's first VOI LUT or window, else the middle 98 % of its values.
    """
    values = _without_spare_bits(data_set, pixels)
    modality = _functional_group(data_set, number, "PixelValueTransformationSequence") or data_set
    voi = _voi_of(data_set, number, window)
    if voi is None:
        return _inverted(data_set, _between_percentiles(_rescaled(values, modality), values, data_set))
    if values.dtype.kind in "iu" and values.dtype.itemsize * 8 <= _TABLE_BITS:
        return _inverted(data_set, _by_table(values, modality, voi))
    return _inverted(data_set, _shown(_rescaled(values, modality), voi))


def _without_spare_bits(data_set: Dataset, pixels: np.ndarray) -> np.ndarray:
    """Bits beyond Bits Stored hold overlays in old files (PS3.5 §8.1.1): they are no values."""
    stored, allocated = int(data_set.get("BitsStored", 0)), 8 * pixels.dtype.itemsize
    if pixels.dtype.kind not in "iu" or not 0 < stored < allocated:
        return pixels
    return (pixels << (allocated - stored)) >> (allocated - stored)


def _voi_of(data_set: Dataset, number: int, window: Window | None) -> Dataset | None:
    if window is not None:
        voi = Dataset()
        voi.WindowCenter, voi.WindowWidth, voi.VOILUTFunction = window.center, window.width, window.function
        return voi
    group = _functional_group(data_set, number, "FrameVOILUTSequence")
    for source in filter(None, (group, data_set)):
        if _has_voi(source):
            return source
    return None


def _has_voi(data_set: Dataset) -> bool:
    if data_set.get("VOILUTSequence"):
        return True
    width, center = _first(data_set.get("WindowWidth")), _first(data_set.get("WindowCenter"))
    return center is not None and width is not None and float(width) >= 1


def _first(value: object) -> object:
    return value[0] if isinstance(value, (list, tuple)) or hasattr(value, "append") else value


def _functional_group(data_set: Dataset, number: int, keyword: str) -> Dataset | None:
    """A macro of this frame, or the one that all frames share (PS3.3 §C.7.6.16)."""
    frames, shared = data_set.get("PerFrameFunctionalGroupsSequence"), data_set.get("SharedFunctionalGroupsSequence")
    own = frames[number - 1] if frames and number <= len(frames) else None
    for group in (own, shared[0] if shared else None):
        if group is not None and group.get(keyword):
            return group[keyword].value[0]
    return None


def _by_table(values: np.ndarray, modality: Dataset, voi: Dataset) -> np.ndarray:
    unsigned = np.dtype(f"u{values.dtype.itemsize}")
    every = np.arange(1 << 8 * unsigned.itemsize, dtype=np.uint32).astype(unsigned)
    inputs = every.view(f"i{unsigned.itemsize}") if values.dtype.kind == "i" else every
    table = _shown(_rescaled(inputs, modality), voi)
    return table[values.astype(values.dtype.newbyteorder("=")).view(unsigned)]


def _rescaled(values: np.ndarray, modality: Dataset) -> np.ndarray:
    """Through the modality LUT: what is absent or blank leaves the values as they are."""
    if modality.get("ModalityLUTSequence"):
        return _looked_up(values, modality.ModalityLUTSequence[0])[0]
    slope, intercept = modality.get("RescaleSlope"), modality.get("RescaleIntercept")
    if slope is None and intercept is None:
        return values
    return values.astype(np.float64) * float(slope or 1) + float(intercept or 0)


def _shown(values: np.ndarray, voi: Dataset) -> np.ndarray:
    """Eight bits of the VOI LUT's or window's own output range."""
    if voi.get("VOILUTSequence"):
        entries, bits = _looked_up(values, voi.VOILUTSequence[0])
        return (entries * (255.0 / ((1 << bits) - 1))).clip(0, 255).astype(np.uint8)
    return _windowed(values, voi)


def _windowed(values: np.ndarray, voi: Dataset) -> np.ndarray:
    center, width = float(_first(voi.WindowCenter)), float(_first(voi.WindowWidth))
    function = str(voi.get("VOILUTFunction") or "LINEAR").upper()
    values = values.astype(np.float64)
    if function == "SIGMOID":
        shown = 1 / (1 + np.exp(np.clip(-4 * (values - center) / width, -700, 700)))
    elif function == "LINEAR_EXACT":
        shown = (values - center) / width + 0.5
    else:
        # Of a width of 1 only the step is left.
        shown = (values - (center - 0.5)) / max(width - 1, 1e-9) + 0.5
    return np.rint(np.nan_to_num(shown).clip(0, 1) * 255).astype(np.uint8)


def _looked_up(values: np.ndarray, lut: Dataset) -> tuple[np.ndarray, int]:
    """The LUT's entries for the values and how many bits they have (PS3.3 §C.11.1.1): the ends go on for ever."""
    count, first, bits = (int(number) for number in lut.LUTDescriptor)
    entries = _entries(lut, count or 1 << 16)
    if first >= 1 << 15 and values.min(initial=0) < 0:
        first -= 1 << 16  # the descriptor's VR did not tell that values are signed
    places = np.rint(values).astype(np.int64) - first
    return entries[np.clip(places, 0, len(entries) - 1)], bits


def _entries(lut: Dataset, count: int) -> np.ndarray:
    data = lut.LUTData
    if isinstance(data, bytes):
        order = "<>"[lut.original_encoding[1] is False]
        data = np.frombuffer(data, np.uint8 if len(data) < 2 * count else f"{order}u2")
    entries = np.atleast_1d(np.asarray(data)).astype(np.int64)[:count]
    if not entries.size:
        raise EmptyLUT
    return entries


def _between_percentiles(values: np.ndarray, stored: np.ndarray, data_set: Dataset) -> np.ndarray:
    padding = data_set.get("PixelPaddingValue")
    judged = values[stored != padding] if isinstance(padding, int) else values
    judged = judged[np.isfinite(judged)] if values.dtype.kind == "f" else judged
    low, high = np.percentile(judged, (1, 99)) if judged.size else (0.0, 1.0)
    if high <= low:
        low, high = (float(judged.min()), float(judged.max())) if judged.size else (0.0, 1.0)
    shown = np.nan_to_num(np.clip(values.astype(np.float32), low, high), nan=low)
    return ((shown - low) * (255.0 / ((high - low) or 1.0))).astype(np.uint8)


def _inverted(data_set: Dataset, grey: np.ndarray) -> np.ndarray:
    return 255 - grey if str(data_set.get("PhotometricInterpretation")) == "MONOCHROME1" else grey

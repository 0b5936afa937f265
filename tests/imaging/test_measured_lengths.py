"""Lengths that the viewer measures, over every image of the sample sets, against what pydicom reads from the file.

The viewer's own code runs in Node, on the metadata that the portal would send it.
"""

import io
import json
import math
import shutil
import subprocess

import pydicom
from pydicom.dataset import Dataset

from imaging.dicom.dicom_json import to_dicom_json
from tests.e2e.stack import REPO
from tests.imaging.samples import judge, list_samples

PROGRAM = """
import { measured, noteOf } from '%s/static/src/viewer/marks/measure.js';
let text = '';
for await (const chunk of process.stdin) text += chunk;
const answers = JSON.parse(text).map(({ instance, points }) => {
  const mark = { kind: 'length', points };
  const image = { instance, frame: 1 };
  return { ...measured(mark, image, null).values[0], note: noteOf(mark, image) };
});
console.log(JSON.stringify(answers));
"""


def test_measured_lengths_agree_with_the_files_spacing_to_a_tenth_of_a_millimetre() -> None:
    samples = list(images())

    answers = measure([{"instance": metadata, "points": ends(header)} for _, header, metadata in samples])

    calibrated = 0
    for (name, header, _), answer in zip(samples, answers, strict=True):
        spacing = spacing_of(header, ends(header))
        (ax, ay), (bx, by) = ends(header)
        if spacing is None:
            assert (answer["unit"], answer["note"]) == ("px", "not calibrated"), name
            assert abs(answer["value"] - math.dist((ax, ay), (bx, by))) < 0.1, name
            continue
        calibrated += 1
        wanted = math.hypot((bx - ax) * spacing[1], (by - ay) * spacing[0])
        assert answer["unit"] == "mm", name
        assert abs(answer["value"] - wanted) < 0.1, (name, answer, wanted)
    assert calibrated > 60
    assert len(samples) - calibrated > 20


def images() -> list[tuple[str, Dataset, dict]]:
    found = []
    for sample in list_samples():
        data = sample.read()
        try:
            passed = judge(data)
        except Exception:
            continue
        if passed.pixels:
            header = pydicom.dcmread(io.BytesIO(data), stop_before_pixels=True, force=True)
            found.append((sample.name, header, to_dicom_json(passed.header, passed.transfer_syntax_uid, lambda _: "")))
    return found


def ends(header: Dataset) -> list[tuple[float, float]]:
    columns, rows = header.Columns, header.Rows
    return [(columns * 0.45, rows * 0.4), (columns * 0.55, rows * 0.65)]


def measure(asked: list[dict]) -> list[dict]:
    node = shutil.which("node")
    assert node, "Node is not installed: infra/setup installs it."
    done = subprocess.run(
        [node, "--input-type=module", "-e", PROGRAM % REPO], input=json.dumps(asked), capture_output=True, text=True,
        check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


def spacing_of(header: Dataset, points: list[tuple[float, float]]) -> tuple[float, float] | None:
    """Millimetres between rows and between columns, by PS3.3 §10.7.1 and §C.8.5.5; None where nothing says them."""
    if regions := header.get("SequenceOfUltrasoundRegions"):
        return next((found for region in regions if (found := in_region(region, points))), None)
    detector = pair(header.get("ImagerPixelSpacing"))
    found = (
        pair(header.get("PixelSpacing"))
        or in_groups(header)
        or detector
        or pair(header.get("NominalScannedPixelSpacing"))
    )
    factor = float(header.get("EstimatedRadiographicMagnificationFactor") or 1)
    if found and detector == found and factor > 1:
        return found[0] / factor, found[1] / factor
    return found


def pair(value: object) -> tuple[float, float] | None:
    try:
        first, second = map(float, value)
    except (TypeError, ValueError):
        return None
    return (first, second) if first > 0 and second > 0 else None


def in_groups(header: Dataset) -> tuple[float, float] | None:
    for keyword in ("PerFrameFunctionalGroupsSequence", "SharedFunctionalGroupsSequence"):
        for group in list(header.get(keyword) or [])[:1]:
            for measures in group.get("PixelMeasuresSequence") or []:
                if found := pair(measures.get("PixelSpacing")):
                    return found
    return None


def in_region(region: Dataset, points: list[tuple[float, float]]) -> tuple[float, float] | None:
    if region.get("PhysicalUnitsXDirection") != 3 or region.get("PhysicalUnitsYDirection") != 3:
        return None
    left, top = region.RegionLocationMinX0, region.RegionLocationMinY0
    right, bottom = region.RegionLocationMaxX1 + 1, region.RegionLocationMaxY1 + 1
    if all(left <= x <= right and top <= y <= bottom for x, y in points):
        return abs(region.PhysicalDeltaY) * 10, abs(region.PhysicalDeltaX) * 10
    return None

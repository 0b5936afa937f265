"""One fuzzing process: `python -m infra.fuzzing.child TARGET [libFuzzer's own arguments]`."""

import sys

import atheris

with atheris.instrument_imports(include=["imaging.dicom"], enable_loader_override=False):
    from infra.fuzzing.targets import TARGETS


def main() -> None:
    target = TARGETS[sys.argv.pop(1)]
    atheris.Setup(sys.argv, target)
    atheris.Fuzz()


if __name__ == "__main__":
    main()

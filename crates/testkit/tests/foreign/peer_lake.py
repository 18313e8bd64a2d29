"""What the scripts share: the lake they are pointed at, running one case, and expecting a refusal."""

import contextlib
import json
import pathlib
import sys


class Lake:
    """The facts that the test wrote down, as attributes."""

    def __init__(self, path):
        self.__dict__.update(json.loads(pathlib.Path(path).read_text()))


def run(*cases):
    """Runs the case that the command line names, and says so at the end: an early exit must not look like success."""
    name, path = sys.argv[1:3]
    {case.__name__: case for case in cases}[name](Lake(path))
    print("held:", name)


@contextlib.contextmanager
def refused(kind, **wanted):
    """What is done inside raises exactly this kind, with these attributes."""
    try:
        yield
    except Exception as error:
        assert type(error) is kind, f"{kind.__name__} expected, not {error!r}"
        for name, value in wanted.items():
            assert getattr(error, name) == value, f"{name} of {error!r} is not {value!r}"
    else:
        raise AssertionError(f"it was not refused with {kind.__name__}")

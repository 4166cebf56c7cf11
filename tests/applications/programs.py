"""Applications as their tests run them: in this process, by their functions."""

import importlib.util
from pathlib import Path

import pytest

APPLICATIONS = Path(__file__).parents[2] / "applications"


class Application:
    """The scripts in one folder of `applications`: `Application("cogan")("train")(output=...)`."""

    def __init__(self, name):
        self.folder = APPLICATIONS / name

    def __call__(self, script):
        """What a script does when it is called, with its options as arguments."""
        return self.module(script).main

    def module(self, script):
        spec = importlib.util.spec_from_file_location(f"{self.folder.name}_{script}", self.folder / f"{script}.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    def refused(self, capsys, script, *args, **kwargs):
        """What a script that refuses its arguments says."""
        with pytest.raises(SystemExit) as stopped:
            self(script)(*args, **kwargs)
        assert stopped.value.code == 2
        return capsys.readouterr().err

"""A new file takes the place of an old one when it is complete, and never anything else's."""

import os
from pathlib import Path

import pytest

from hierkit.errors import HierkitError
from hierkit.replacing import replacing


def write(path: Path | str, text: str = "new") -> None:
    with replacing(path) as temporary:
        temporary.write_text(text)


def test_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to("real")
    write(tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "new"


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_after_an_error_the_old_file_is_there_and_nothing_beside_it(tmp_path: Path, error: type[BaseException]) -> None:
    (tmp_path / "file").write_text("old")

    def fail() -> None:
        with replacing(tmp_path / "file") as temporary:
            temporary.write_text("half")
            raise error

    with pytest.raises(error):
        fail()
    assert (tmp_path / "file").read_text() == "old"
    assert os.listdir(tmp_path) == ["file"]


def test_permissions_are_those_of_the_old_file_or_of_any_new_one(tmp_path: Path) -> None:
    (tmp_path / "old").write_text("old")
    (tmp_path / "any").touch()
    for mode in (0o640, 0o444):
        (tmp_path / "old").chmod(mode)
        write(tmp_path / "old")
        assert (tmp_path / "old").stat().st_mode & 0o777 == mode
    write(tmp_path / "new")
    assert (tmp_path / "new").stat().st_mode == (tmp_path / "any").stat().st_mode


@pytest.mark.parametrize("letter", ["n", "数"])
def test_a_name_as_long_as_the_system_allows(tmp_path: Path, letter: str) -> None:
    path = tmp_path / (letter * (255 // len(letter.encode())))
    write(path)
    assert path.read_text() == "new"


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    refused: list[tuple[Path | str, str]] = [
        (tmp_path, "is a folder. Results go into files. Name a file in it"),
        ("", "'' is a folder"),
        (tmp_path / "none" / "file", "There is no folder '.*none'. Files go into folders that exist"),
        (tmp_path / "pipe", "is a device or a pipe. Results replace files"),
        ("/dev/null", "'/dev/null' is a device or a pipe"),
    ]
    for path, message in refused:
        with pytest.raises(HierkitError, match=message):
            write(path)

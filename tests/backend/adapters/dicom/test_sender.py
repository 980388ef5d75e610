"""The sender's key is the sender's alone, and files have a limit."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from backend.adapters.dicom.sender import MAX_FILE_BYTES, Sender, load_key
from backend.errors import ConfigurationError, ImageTooLarge


def test_a_key_is_made_once(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "sender.key"
    key = load_key(file)
    assert len(key) == 32
    assert load_key(file) == key
    assert file.stat().st_mode & 0o777 == 0o600
    assert load_key(tmp_path / "other.key") != key


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_a_key_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "sender.key"
    load_key(file)
    file.chmod(mode)
    with pytest.raises(ConfigurationError) as refused:
        load_key(file)
    assert str(refused.value) == f"the key {file} is readable by other users (mode {mode:o}): run chmod 600 {file}"


@pytest.mark.parametrize("text", [b"", b"00" * 31, b"00" * 33, b"zz" * 32, b"AB" * 32, b"\xff" * 64])
def test_what_is_no_key_is_refused(tmp_path: Path, text: bytes) -> None:
    file = tmp_path / "sender.key"
    file.write_bytes(text)
    file.chmod(0o600)
    with pytest.raises(ConfigurationError, match=r"^expected 64 hex digits in the key file .*, found something else$"):
        load_key(file)


def test_a_key_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for file in (tmp_path / "file" / "sender.key", tmp_path):
        with pytest.raises(ConfigurationError, match=r"^the key .* cannot be used: (File exists|Is a directory)$"):
            load_key(file)


def test_a_file_above_the_limit_is_refused() -> None:
    with (
        closing(Sender(bytes(32))) as sender,
        pytest.raises(ImageTooLarge, match="of at most 201326592 bytes, found a"),
    ):
        sender.deidentify(bytes(MAX_FILE_BYTES + 1))

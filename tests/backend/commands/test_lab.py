"""``scanproof lab``; its methods are tested in ``crypto``."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from PIL import Image

from tests.backend.crypto.test_hiding import scan as pixels_of_a_scan
from tests.backend.crypto.wrap_vectors import private_pem


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    return written(tmp_path / "scan.png", pixels_of_a_scan())


@pytest.fixture
def text(tmp_path: Path) -> Path:
    file = tmp_path / "patient.txt"
    file.write_text("Doe, Jane; 1970-01-01")
    return file


def written(path: Path, pixels: np.ndarray) -> Path:
    Image.fromarray(pixels).save(path)
    return path


def same(one: Path, other: Path) -> bool:
    return np.array_equal(np.asarray(Image.open(one)), np.asarray(Image.open(other)))


def test_text_goes_in_and_comes_out_without_a_trace(scanproof, scan, text, tmp_path):
    marked, out, back = (tmp_path / name for name in ("marked.png", "out.txt", "back.png"))

    done = scanproof("lab", "hide", scan, "--message", text, "--output", marked, "--json")
    assert done.status == 0
    assert done.json["psnr"] > 48.13
    assert not same(scan, marked)

    done = scanproof("lab", "reveal", marked, "--output", out, "--restored", back, "--json")
    assert (done.status, done.json["sealed"]) == (0, False)
    assert out.read_bytes() == text.read_bytes()
    assert same(scan, back)


@pytest.mark.parametrize("restored", ["out.txt", "link"])
def test_neither_text_nor_picture_is_written_unless_both_are(scanproof, scan, text, tmp_path, restored):
    marked, out = tmp_path / "marked.png", tmp_path / "out.txt"
    scanproof("lab", "hide", scan, "--message", text, "--output", marked)
    (tmp_path / "link").symlink_to(tmp_path / "nothing")

    done = scanproof("lab", "reveal", marked, "--output", out, "--restored", tmp_path / restored, "--json")

    assert (done.status, done.json["error"]["type"]) == (2, "WrongUse")
    assert not out.exists()


def test_a_person_is_warned_of_clear_text(scanproof, scan, text, tmp_path):
    done = scanproof("lab", "hide", scan, "--message", text, "--output", tmp_path / "m.png")
    assert "it is not encrypted" in done.stdout
    done = scanproof("lab", "reveal", tmp_path / "m.png", "--output", tmp_path / "o", "--restored", tmp_path / "r.png")
    assert "the picture as it was before" in done.stdout


def test_text_is_sealed_to_its_receiver(scanproof, scan, text, tmp_path):
    key, marked, out = X25519PrivateKey.generate(), tmp_path / "marked.png", tmp_path / "out.txt"
    private = tmp_path / "key.pem"
    private.write_text(private_pem(key))
    to = key.public_key().public_bytes_raw().hex()
    done = scanproof("lab", "hide", scan, "--message", text, "--output", marked, "--to", to, "--json")
    assert done.json["sealed"]

    done = scanproof("lab", "reveal", marked, "--output", out, "--json")
    assert (done.status, done.json["error"]["type"]) == (1, "InvalidInput")
    assert "give the receiver's --key" in done.json["error"]["message"]
    other = tmp_path / "other.pem"
    other.write_text(private_pem(X25519PrivateKey.generate()))
    done = scanproof("lab", "reveal", marked, "--output", out, "--key", other, "--json")
    assert "sealed to another key, or altered" in done.json["error"]["message"]
    assert not out.exists()
    done = scanproof("lab", "reveal", marked, "--output", out, "--key", private, "--json")
    assert (done.status, done.json["sealed"]) == (0, True)
    assert out.read_bytes() == text.read_bytes()


def test_a_picture_of_16_bits_keeps_them(scanproof, text, tmp_path):
    deep = written(tmp_path / "deep.png", pixels_of_a_scan().astype(np.uint16) * 256)
    marked, back = tmp_path / "marked.png", tmp_path / "back.png"
    done = scanproof("lab", "hide", deep, "--message", text, "--output", marked, "--json")
    assert (done.status, done.json["psnr"]) == (0, None)
    assert scanproof("lab", "reveal", marked, "--output", tmp_path / "o", "--restored", back).status == 0
    assert same(deep, back)
    assert scanproof("lab", "measure", deep, "--json").json["entropy"] > 1


def test_pictures_are_measured(scanproof, scan, tmp_path):
    done = scanproof("lab", "measure", scan, "--json")
    assert (done.json["width"], done.json["height"], len(done.json["histogram"])) == (256, 256, 256)
    assert done.json["correlation"].keys() == {"horizontal", "vertical", "diagonal"}
    assert done.json["correlation"]["horizontal"] > 0.8

    noise = written(tmp_path / "noise.png", np.random.default_rng(1).integers(0, 256, (256, 256), dtype=np.uint8))
    done = scanproof("lab", "measure", scan, noise, "--json")
    assert not done.json["equal"]
    assert 0.99 < done.json["npcr"] < 1
    assert done.json["ssim"] < 0.1
    done = scanproof("lab", "measure", scan, scan, "--json")
    assert (done.json["equal"], done.json["psnr"], done.json["npcr"]) == (True, None, 0)
    shown = scanproof("lab", "measure", scan, noise).stdout
    assert "NPCR" in shown
    assert "Correlation, diagonal" in shown


def test_a_small_picture_has_no_ssim(scanproof, tmp_path):
    small = written(tmp_path / "small.png", np.arange(64, dtype=np.uint8).reshape(8, 8))
    done = scanproof("lab", "measure", small, small)
    assert "too small" in done.stdout
    assert "equal" in done.stdout


@pytest.mark.parametrize(
    ("pixels", "message"),
    [
        (np.zeros((8, 8), np.uint8), "the picture has too little room"),
        (np.zeros((8, 8, 4), np.uint8), "its pixels are of the sort RGBA"),
    ],
)
def test_pictures_without_room_are_refused(scanproof, text, tmp_path, pixels, message):
    picture = written(tmp_path / "picture.png", pixels)
    done = scanproof("lab", "hide", picture, "--message", text, "--output", tmp_path / "m.png", "--json")
    assert done.status == 1
    assert message in done.json["error"]["message"]
    assert not (tmp_path / "m.png").exists()


def test_other_files_are_refused(scanproof, scan, text, tmp_path):
    out = ("--output", tmp_path / "o", "--json")
    done = scanproof("lab", "reveal", text, *out)
    assert (done.status, done.json["error"]["type"]) == (1, "UnsupportedImage")
    done = scanproof("lab", "reveal", scan, *out)
    assert "nothing is hidden in this picture" in done.json["error"]["message"]
    large = tmp_path / "large"
    with large.open("wb") as file:
        file.truncate(26 * 1024 * 1024)
    assert "it has more than 26,214,400 bytes" in scanproof("lab", "measure", large, "--json").json["error"]["message"]
    vast = written(tmp_path / "vast.png", np.zeros((8200, 8200), np.uint8))
    assert "more than 67,108,864 values" in scanproof("lab", "measure", vast, "--json").json["error"]["message"]
    done = scanproof("lab", "hide", scan, "--message", large, *out)
    assert (done.status, "at most 1,048,576 bytes" in done.json["error"]["message"]) == (2, True)


def test_a_cipher_is_undone_with_its_key_and_without(scanproof, scan, tmp_path):
    encrypted, back, broken = (tmp_path / name for name in ("encrypted.png", "back.png", "broken.png"))

    done = scanproof("lab", "cipher", scan, "--output", encrypted, "--json")
    number = done.json["number"]
    assert (done.status, done.json["protects"]) == (0, False)
    assert not same(scan, encrypted)
    assert scanproof("lab", "decipher", encrypted, "--number", number, "--output", back).status == 0
    assert same(scan, back)

    done = scanproof("lab", "break", encrypted, "--output", broken, "--json")
    assert (done.status, done.json["number"], done.json["tried"]) == (0, number, 64)
    assert done.json["seconds"] > 0
    assert same(scan, broken)
    picture, cipher, noise = (done.json["measures"][name] for name in ("picture", "cipher", "aesGcm"))
    assert cipher["entropy"] == pytest.approx(picture["entropy"])
    assert noise["entropy"] > 7.99
    assert abs(noise["horizontal"]) < 0.05
    assert noise["npcr"] == pytest.approx(255 / 256, abs=0.002)


def test_the_cipher_says_it_protects_nothing(scanproof, scan, tmp_path):
    encrypted = tmp_path / "encrypted.png"
    done = scanproof("lab", "cipher", scan, "--number", 55, "--output", encrypted)
    assert "not protection" in done.stdout
    shown = scanproof("lab", "break", encrypted, "--output", tmp_path / "broken.png").stdout
    assert "not protection" in shown
    assert "55, of 64 that were tried" in shown
    assert "AES-GCM" in shown
    assert scanproof("lab", "break", scan, "--output", tmp_path / "same.png", "--json").json["number"] == 1


@pytest.mark.parametrize("action", [("cipher",), ("decipher", "--number", 5), ("break",)])
def test_pictures_that_the_cipher_cannot_take_are_refused(scanproof, tmp_path, action):
    deep = written(tmp_path / "deep.png", pixels_of_a_scan().astype(np.uint16))
    clear = written(tmp_path / "clear.png", np.zeros((8, 8, 4), np.uint8))
    palette, cut = tmp_path / "palette.png", tmp_path / "cut.png"
    Image.fromarray(pixels_of_a_scan()).convert("P").save(palette)
    whole = written(tmp_path / "whole.png", pixels_of_a_scan()).read_bytes()
    cut.write_bytes(whole[: len(whole) // 2])
    vast = written(tmp_path / "vast.png", np.zeros((8200, 8200), np.uint8))
    new = tmp_path / "new.png"
    for picture in (deep, clear, palette, cut, vast):
        done = scanproof("lab", action[0], picture, *action[1:], "--output", new, "--json")
        assert (done.status, done.json["error"]["type"]) == (1, "UnsupportedImage")
        assert "expected a" in done.json["error"]["message"]
        assert not new.exists()


def test_one_pixel_is_encrypted_but_its_key_is_not_guessed(scanproof, tmp_path):
    pixel = written(tmp_path / "pixel.png", np.full((1, 1), 9, np.uint8))
    encrypted, back, new = (tmp_path / name for name in ("encrypted.png", "back.png", "new.png"))
    assert scanproof("lab", "cipher", pixel, "--number", 5, "--output", encrypted).status == 0
    assert scanproof("lab", "decipher", encrypted, "--number", 5, "--output", back).status == 0
    assert same(pixel, back)
    done = scanproof("lab", "break", encrypted, "--output", new, "--json")
    assert (done.status, done.json["error"]["type"]) == (1, "InvalidInput")
    assert "too little detail" in done.json["error"]["message"]
    assert not new.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("hide", "{scan}", "--output", "{new}"), "`hide` needs --message"),
        (("reveal", "{scan}"), "`reveal` needs --output"),
        (("measure", "{scan}", "--output", "{new}"), "--output is not for `measure`"),
        (("reveal", "{scan}", "{scan}", "--output", "{new}"), "OTHER is not for `reveal`"),
        (("measure", "{scan}", "{text}"), "expected a whole picture"),
        (("decipher", "{scan}", "--output", "{new}"), "`decipher` needs --number"),
        (("break", "{scan}", "--number", "5", "--output", "{new}"), "--number is not for `break`"),
        (("cipher", "{scan}", "--number", "17", "--output", "{new}"), "expected an odd --number from 1 to 135"),
        (("cipher", "{scan}", "--number", "0", "--output", "{new}"), "expected a whole number from 1"),
        (
            ("hide", "{scan}", "--message", "{text}", "--output", "{new}", "--to", "{text}"),
            "expected a public key in PEM",
        ),
        (("hide", "{scan}", "--message", "{text}", "--output", "{scan}"), "expected a new file"),
        (
            ("hide", "{scan}", "--message", "{text}", "--output", "{new}", "--to", "00" * 32),
            "expected an X25519 key that is not of low order",
        ),
    ],
)
def test_wrong_use_does_nothing(scanproof, scan, text, tmp_path, arguments, message):
    new = tmp_path / "new"
    named = [each.format(scan=scan, text=text, new=new) for each in arguments]
    done = scanproof("lab", *named, "--json")
    assert done.status in (1, 2)
    assert message in done.json["error"]["message"]
    assert not new.exists()


def test_pictures_of_two_sizes_are_not_compared(scanproof, scan, tmp_path):
    other = written(tmp_path / "other.png", np.zeros((9, 9), np.uint8))
    done = scanproof("lab", "measure", scan, other, "--json")
    assert (done.status, done.json["error"]["type"]) == (2, "WrongUse")

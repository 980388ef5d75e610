"""Image files with planted metadata, built by hand so that each kind is known to be in."""

from __future__ import annotations

import io
import struct
import zlib

from PIL import Image, TiffImagePlugin

from tests.backend.adapters.images.conftest import SECRET, picture, saved

TEXT = SECRET.decode()
PROFILE = b"\0" * 36 + b"acsp" + b"colour profile" * 20


def exif(orientation: int = 1, *, gps: bool = False, thumbnail: bool = False) -> bytes:
    """A TIFF structure: ImageDescription holds the secret."""
    tags = Image.Exif()
    tags[270] = TEXT
    tags[274] = orientation
    if gps:
        tags.get_ifd(0x8825).update({1: "N", 2: (52.0, 31.0, 12.0), 29: TEXT})
    block = tags.tobytes().removeprefix(b"Exif\0\0")
    if thumbnail:
        # A second directory behind the first, which Pillow does not write.
        order = "<" if block[:2] == b"II" else ">"
        first = struct.unpack_from(f"{order}I", block, 4)[0]
        count = struct.unpack_from(f"{order}H", block, first)[0]
        entry = struct.pack(f"{order}HHHII", 1, 0x0201, 4, 1, len(block)) + bytes(4)
        block = bytearray(block + entry + SECRET)
        struct.pack_into(f"{order}I", block, first + 2 + 12 * count, len(block) - len(entry) - len(SECRET))
    return bytes(block)


def jpeg(*segments: tuple[int, bytes], picture_bytes: bytes | None = None, after: bytes = b"") -> bytes:
    """A JPEG with these (marker, payload) segments in front."""
    content = picture_bytes or saved("JPEG")
    extra = b"".join(bytes((0xFF, code)) + (len(data) + 2).to_bytes(2) + data for code, data in segments)
    return content[:2] + extra + content[2:] + after


def png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + zlib.crc32(kind + data).to_bytes(4)


def png(*chunks: tuple[bytes, bytes], picture_bytes: bytes | None = None, after: bytes = b"") -> bytes:
    """A PNG with these chunks behind its header."""
    content = picture_bytes or saved("PNG")
    return content[:33] + b"".join(png_chunk(*chunk) for chunk in chunks) + content[33:] + after


def webp(*chunks: tuple[bytes, bytes], after: bytes = b"", **options) -> bytes:
    """An extended WebP with these chunks at its end."""
    content = saved("WEBP", picture(options.pop("mode", "RGB")), exif=exif(), xmp=SECRET, **options)
    body = content[8:] + b"".join(k + struct.pack("<I", len(d)) + d + b"\0" * (len(d) % 2) for k, d in chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body + after


def tiff(tags: dict[int, object], *, mode: str = "RGB", after: bytes = b"", **options) -> bytes:
    directory = TiffImagePlugin.ImageFileDirectory_v2()
    for tag, value in tags.items():
        directory[tag] = value
        if isinstance(value, bytes):
            directory.tagtype[tag] = 7
    return saved("TIFF", picture(mode), tiffinfo=directory, **options) + after


def bmp_with_gap(mode: str = "RGB") -> bytes:
    """A BMP with a secret between its header and its pixels, and one behind them."""
    content = saved("BMP", picture(mode))
    offset = struct.unpack_from("<I", content, 10)[0]
    header = content[:10] + struct.pack("<I", offset + len(SECRET)) + content[14:offset]
    return header + SECRET + content[offset:] + SECRET


def apng() -> bytes:
    buffer = io.BytesIO()
    picture().save(buffer, "PNG", save_all=True, append_images=[picture().rotate(90)])
    return buffer.getvalue()


def raw_png(width: int, height: int, depth: int, colour: int, pixel_bytes: int, *, interlaced: bool = False) -> bytes:
    """A PNG whose header may say one thing and whose pixels, zeros, another."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced)
    pixels = zlib.compress(bytes(pixel_bytes))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        png_chunk(*chunk) for chunk in ((b"IHDR", header), (b"IDAT", pixels), (b"IEND", b""))
    )


def adam7_bytes(width: int, height: int, depth: int) -> int:
    """Bytes of an interlaced grey PNG, counted pixel by pixel from the pattern in the specification."""
    pattern = ["16462646", "77777777", "56565656", "77777777", "36463646", "77777777", "56565656", "77777777"]
    rows: dict[tuple[str, int], int] = {}
    for y in range(height):
        for x in range(width):
            key = (pattern[y % 8][x % 8], y)
            rows[key] = rows.get(key, 0) + 1
    return sum(1 + -(-pixels * depth // 8) for pixels in rows.values())


def deep_colour_tiff() -> bytes:
    """16 bits in each of three channels, 2 x 2 pixels."""
    entries = [
        (256, 3, 1, 2), (257, 3, 1, 2), (258, 3, 3, 8 + 2 + 9 * 12 + 4), (259, 3, 1, 1), (262, 3, 1, 2),
        (273, 4, 1, 8 + 2 + 9 * 12 + 4 + 6), (277, 3, 1, 3), (278, 3, 1, 2), (279, 4, 1, 24),
    ]  # fmt: skip
    directory = struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHII", *entry) for entry in entries) + bytes(4)
    return b"II*\0\x08\0\0\0" + directory + struct.pack("<HHH", 16, 16, 16) + bytes(range(24))


def with_size(format_: str, size: tuple[int, int]) -> bytes:
    """A small file whose header claims another size."""
    width, height = size
    if format_ == "TIFF":
        content = bytearray(deep_colour_tiff().replace(struct.pack("<HHH", 16, 16, 16), struct.pack("<HHH", 8, 8, 8)))
        struct.pack_into("<H", content, 10 + 8, width)
        struct.pack_into("<H", content, 10 + 12 + 8, height)
    elif format_ == "BMP":
        content = bytearray(saved("BMP"))
        struct.pack_into("<II", content, 18, width, height)
    elif format_ == "JPEG":
        content = bytearray(saved("JPEG"))
        struct.pack_into(">HH", content, content.index(b"\xff\xc0") + 5, height, width)
    else:
        content = bytearray(saved("WEBP", quality=50))
        struct.pack_into("<HH", content, content.index(b"\x9d\x01\x2a") + 3, width, height)
    return bytes(content)

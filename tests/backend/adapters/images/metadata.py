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


def raw_tiff(
    *,
    bits: tuple[int, ...] = (8, 8, 8),
    sample_format: int = 1,
    compression: int = 1,
    photometric: int | None = None,
    data: bytes | None = None,
    big: bool = False,
) -> bytes:
    """A little-endian TIFF of 2 x 2 pixels, whose pixels count upwards; its directory says what a test wants."""
    pixels = bytes(range(4 * len(bits) * max(bits) // 8)) if data is None else data
    photometric = (2 if len(bits) == 3 else 1) if photometric is None else photometric
    word, size = ("Q", 20) if big else ("I", 12)
    tags = [
        (256, 3, (2,)), (257, 3, (2,)), (258, 3, bits), (259, 3, (compression,)), (262, 3, (photometric,)),
        (273, 4, None), (277, 3, (len(bits),)), (278, 3, (2,)), (279, 4, (len(pixels),)),
        (339, 3, (sample_format,) * len(bits)),
    ]  # fmt: skip
    head = b"II+\0\x08\0\0\0" + struct.pack("<Q", 16) if big else b"II*\0\x08\0\0\0"
    start = len(head) + (8 if big else 2) + len(tags) * size + (8 if big else 4)
    entries = extra = b""
    inline = 8 if big else 4
    for tag, kind, values in tags:
        field = struct.pack(f"<{len(values or ())}{'HI'[kind - 3]}", *(values or ()))
        if values is None:
            field = struct.pack("<I", start + 32)
        if len(field) > inline:
            extra, field = extra + field, struct.pack("<" + word, start + len(extra))
        entries += struct.pack("<HH" + word, tag, kind, len(values or (0,))) + field.ljust(inline, b"\0")
    count = struct.pack("<Q" if big else "<H", len(tags))
    return head + count + entries + bytes(8 if big else 4) + extra.ljust(32, b"\0") + pixels


def deep_png(size: tuple[int, int] = (51, 37), *, colour: int = 2) -> bytes:
    """16 bits in each channel; ``colour`` is PNG's colour type."""
    channels = {0: 1, 2: 3, 4: 2, 6: 4}[colour]
    return raw_png(*size, 16, colour, (1 + size[0] * channels * 2) * size[1])


def with_marker(content: bytes, marker: int) -> bytes:
    """A JPEG whose frame has another marker, so that it is of another process."""
    return content.replace(b"\xff\xc0", bytes((0xFF, marker)), 1)


def with_size(format_: str, size: tuple[int, int]) -> bytes:
    """A small file whose header claims another size."""
    width, height = size
    if format_ == "TIFF":
        content = bytearray(raw_tiff())
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

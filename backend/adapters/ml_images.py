"""Images for ``ml``: one at a time, and its errors as those of the ports."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from backend.errors import ClassificationFailed, ImageTooLarge, NotFound, UnsupportedImage
from ml import errors as ml_errors

_decoding = threading.Lock()


@contextmanager
def one_image() -> Iterator[None]:
    """A decoded image can take hundreds of MB: whoever shows one to ``ml`` waits here, so that the process stays small.

    Raises ImageTooLarge, UnsupportedImage for the errors of ``ml``.
    """
    with _decoding:
        try:
            yield
        except ml_errors.ImageTooLarge as error:
            raise ImageTooLarge(str(error)) from error
        except ml_errors.ImageError as error:
            raise UnsupportedImage(str(error)) from error


@contextmanager
def told(name: str) -> Iterator[None]:
    """Errors about the model ``name`` as those of the ports: NotFound, ClassificationFailed."""
    try:
        yield
    except ml_errors.BundleNotFound as error:
        raise NotFound(str(error)) from error
    except ml_errors.BundleError as error:
        raise ClassificationFailed(f"the model is refused: {error}") from error
    except (RuntimeError, ValueError) as error:
        raise ClassificationFailed(f"{name} failed on this image") from error

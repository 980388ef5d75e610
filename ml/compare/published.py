"""Figures that the source systems published, on their own data and by their own protocols."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Published:
    """``loss``, ``auc`` and ``accuracy`` (both in [0, 1]) are those of the source's test images, None where it gives
    none. ``data`` describes these images."""

    source: str
    network: str
    data: str
    loss: float | None
    auc: float | None
    accuracy: float


_S1 = "BreakHis 400X, 1,693 images split at random, with each patient on both sides"
_S2 = "brain MRI, four classes; S2 itself suspects over-fitting"
_S3 = "four classes, 2,880 images, 394 test images"
PUBLISHED = (
    Published("S1", "basecnn", _S1, 0.30512, 0.93354, 0.86789),
    Published("S1", "mobilenetv3small", _S1, 0.44172, 0.85414, 0.81101),
    Published("S1", "efficientnetb0", _S1, 0.37056, 0.90801, 0.82936),
    Published("S1", "vgg16", _S1, 0.44824, 0.87348, 0.79633),
    Published("S1", "resnet50v2", _S1, 0.4359, 0.8763, 0.7982),
    Published("S2", "vgg19", _S2, None, None, 0.9849),
    Published("S3", "alexnet", _S3, None, None, 0.4899),
    Published("S3", "densenet121", _S3, None, None, 0.9357),
    Published("S3", "resnet18", _S3, None, None, 0.9149),
    Published("S3", "googlenet", _S3, None, None, 0.9218),
    Published("S3", "xception", _S3 + "; its conclusion says 0.8962", None, None, 0.9427),
)

"""The registry's rules once more, as plain Python: the oracle of the state machine."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.contracts.support import Diagnosis, Image, error, image_id_of


class Refused(Exception):
    """The registry must revert with this text."""


@dataclass(slots=True)
class RegistryModel:
    """Images by id and the addresses of current classifiers. A refused call changes nothing."""

    classifiers: set[str]
    images: dict[bytes, Image] = field(default_factory=dict)

    def register(self, uploader: str, cids: list[str]) -> list[bytes]:
        """Register all or none; the block's time is filled in by ``mined``."""
        added: dict[bytes, Image] = {}
        for cid in cids:
            if len(cid) != 59 or cid[:3] != "baf":
                raise Refused(error("InvalidCid", cid))
            image_id = image_id_of(uploader, cid)
            if image_id in self.images or image_id in added:
                raise Refused(error("ImageAlreadyRegistered", image_id))
            added[image_id] = Image(uploader, 0, 0, 0)
        self.images |= added
        return list(added)

    def mined(self, image_ids: list[bytes], timestamp: int) -> None:
        for image_id in image_ids:
            self.images[image_id] = self.images[image_id]._replace(registeredAt=timestamp)

    def record(self, caller: str, diagnosis: Diagnosis, signer: str) -> None:
        image_id = diagnosis.imageId
        image = self.images.get(image_id)
        if image is None:
            raise Refused(error("ImageNotRegistered", image_id))
        if image.uploader != caller:
            raise Refused(error("NotUploader", image_id, caller))
        if diagnosis.confidence > 10_000:
            raise Refused(error("ConfidenceOutOfRange", diagnosis.confidence))
        if diagnosis.issuedAt <= image.lastIssuedAt:
            raise Refused(error("DiagnosisNotNewer", diagnosis.issuedAt, image.lastIssuedAt))
        if signer not in self.classifiers:
            raise Refused(error("ClassifierNotAuthorized", signer))
        self.images[image_id] = image._replace(lastIssuedAt=diagnosis.issuedAt, diagnosisCount=image.diagnosisCount + 1)

    def register_with_diagnosis(self, caller: str, cid: str, diagnosis: Diagnosis, signer: str) -> list[bytes]:
        before = dict(self.images)
        try:
            (image_id,) = self.register(caller, [cid])
            if diagnosis.imageId != image_id:
                raise Refused(error("ImageIdMismatch", image_id, diagnosis.imageId))
            self.record(caller, diagnosis, signer)
        except Refused:
            self.images = before
            raise
        return [image_id]

"""The shapes of what is asked and answered about one image."""

from __future__ import annotations

from apiflask.fields import Boolean, Dict, File, Float, Integer, List, Nested, Raw, String
from apiflask.validators import Length

from backend.api.schemas import ADDRESS, HASH, CamelCase, ModelSchema, NextStepSchema


class UploadSchema(CamelCase):
    file = File(required=True)


class ImageSchema(CamelCase):
    cid = String()
    sha256 = String()
    size = Integer()
    width = Integer()
    height = Integer()
    media_type = String()
    stripped = List(String())
    created = Boolean()
    links = Dict(keys=String(), values=String())


class ClassificationRequestSchema(CamelCase):
    model = String(load_default=None, allow_none=True, validate=Length(max=100))
    sealed = Boolean(load_default=False)


class ClassificationSchema(CamelCase):
    cid = String()
    label = String()
    label_code = Integer()
    label_text = String()
    confidence = Float()
    probabilities = Dict(keys=String(), values=Float())
    abstained = Boolean()
    reason = String(allow_none=True)
    weak = String(allow_none=True)
    model = Nested(ModelSchema)
    manifest_hash = String()
    manifest_cid = String()
    manifest = Raw()
    sealed = Boolean()
    opening = String(allow_none=True)
    activation_map = String(allow_none=True)
    next_steps = List(Nested(NextStepSchema))
    links = Dict(keys=String(), values=String())


class FigureSchema(CamelCase):
    name = String()
    title = String()
    value = Float()
    unit = String()
    explanation = String()


class AnalysisStepSchema(CamelCase):
    name = String()
    title = String()
    explanation = String()
    picture = String()
    width = Integer()
    height = Integer()
    figures = List(Nested(FigureSchema))


class AnalysisSchema(CamelCase):
    cid = String()
    stained = Boolean()
    steps = List(Nested(AnalysisStepSchema))


class AttestationRequestSchema(CamelCase):
    manifest_hash = String(required=True, validate=HASH)
    uploader = String(required=True, validate=ADDRESS)


class SignedFieldsSchema(CamelCase):
    image_id = String()
    model_id = String()
    label = Integer()
    confidence = Integer()
    manifest_hash = String()
    issued_at = Integer()


class AttestationSchema(CamelCase):
    image_id = String()
    cid = String()
    uploader = String()
    diagnosis = Nested(SignedFieldsSchema)
    signature = String()
    classifier = String()
    chain_id = Integer()
    contract = String()


class OutlineQuerySchema(CamelCase):
    model = String(load_default=None, validate=Length(max=100))


class AreaSchema(CamelCase):
    pixels = Integer()
    share = Float()


class OutlineSchema(CamelCase):
    outlined = Boolean()
    reason = String(allow_none=True)
    area = Nested(AreaSchema, allow_none=True)
    probability = Float(allow_none=True)
    contours = List(List(List(Float())))
    model = Nested(ModelSchema, allow_none=True)
    links = Dict(keys=String(), values=String())

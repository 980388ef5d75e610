"""The shapes of what is answered about the statements of reviews."""

from __future__ import annotations

from apiflask.fields import Dict, String

from backend.api.schemas import CamelCase


class PublishedStatementSchema(CamelCase):
    review_id = String()
    links = Dict(keys=String(), values=String())

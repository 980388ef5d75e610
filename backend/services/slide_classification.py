"""Classifies a whole slide by fields: parts as large as the photographs that a model knows.

A slide has no answer of its own. Each of a fixed number of fields is classified as a photograph would be, by gate and
model, and a rule makes one answer of theirs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from backend.domain import ABSTAINED_LABEL, FieldResult, GateOpinion, LocalSlide, ModelFacts, SlideAnswer
from backend.errors import NotFound
from backend.ports import Classifier, SlideReader

RULE = "mean-of-fields/1"
DECODING = "slide-1"
"""The version of the rules by which pixels of a field are made of a slide's bytes."""
MODALITY, MAGNIFICATION = "breast-histology", 100
MICROMETRES = 0.20
"""Of tissue that a pixel shows in BreakHis' photographs at 100X (Spanhol et al. 2016, IEEE TBME 63(7), section II): an
Olympus BX-50 with a relay lens of 3.3 times and a Samsung SCC-131AN, whose sensor has pixels of 6.5 micrometres."""
COARSEST = 0.26
"""Micrometres a pixel; a coarser slide lacks detail that the model measures."""
FIELD = (700, 460)
"""Width and height of a photograph of BreakHis in pixels."""
MOST_FIELDS = 48
LEAST_ANSWERED = 3
"""An answer needs one of so many fields."""
_ABSTAINED = "abstained"


class SlideClassification:
    def __init__(self, classifier: Classifier, reader: SlideReader) -> None:
        self._classifier = classifier
        self._reader = reader

    def model(self, name: str | None) -> ModelFacts:
        """The model that a slide is classified by. Raises NotFound, also for one that does not read slides;
        ClassificationFailed."""
        model = self._classifier.resolve(name) if name else self._classifier.for_modality(MODALITY)
        if not self.can_read(model):
            raise NotFound(f"expected a model that reads whole slides, found {model.name}: leave the model out")
        return model

    def can_read(self, model: ModelFacts) -> bool:
        """Whether ``model`` reads whole slides. Raises ClassificationFailed."""
        return self._classifier.magnification(model) == MAGNIFICATION

    def answer(
        self, slide: LocalSlide, model: ModelFacts, gate: ModelFacts | None
    ) -> tuple[SlideAnswer, GateOpinion | None]:
        """What ``model`` says of the slide, and what ``gate``, if there is one, recognises in its fields.

        Raises UnsupportedImage, ImageTooLarge, ServerBusy, ClassificationFailed.
        """
        width, height = side_of_field(slide)
        unread = _reason_not_to_read(slide, model)
        regions = [] if unread else self._reader.fields(slide, (width, height), MOST_FIELDS)
        fields, recognised = [], 0
        answers: list[Mapping[str, float]] = []
        for region in regions:
            picture = self._reader.region(slide, region, FIELD)
            if gate and self._classifier.recognise(gate, picture).modality != model.modality:
                fields.append(FieldResult(region, _ABSTAINED, ABSTAINED_LABEL, 0.0, True))
                continue
            recognised += 1
            found, _ = self._classifier.predict(model, picture)
            fields.append(FieldResult(region, found.label, found.code, found.confidence, found.abstained))
            if not found.abstained:
                answers.append(found.probabilities)
        opinion = None
        if gate and fields:
            opinion = GateOpinion(gate, model.modality if recognised * LEAST_ANSWERED >= len(fields) else None)
        return self._decide(slide, model, fields, answers, unread), opinion

    def _decide(
        self,
        slide: LocalSlide,
        model: ModelFacts,
        fields: Sequence[FieldResult],
        answers: Sequence[Mapping[str, float]],
        unread: str | None,
    ) -> SlideAnswer:
        """``mean-of-fields/1``: the mean of the calibrated probabilities over the answered fields. No answer where
        fewer than a third of the fields are answered, or the highest mean is below the model's limit."""
        described = self._classifier.describe(model.sha256)
        codes = {each.label: each.code for each in described.classes} if described else {}
        least = self._classifier.least_confidence(model)
        means = {label: _mean([each.get(label, 0.0) for each in answers]) for label in codes}
        label = max(means, key=lambda each: means[each])
        confidence = means[label]
        reason = unread
        if not fields:
            reason = reason or "no field of the slide shows enough tissue"
        elif len(answers) * LEAST_ANSWERED < len(fields):
            reason = (
                f"of {len(fields)} fields with tissue, gate and model answered {len(answers)}; an answer needs a third"
            )
        elif least is not None and confidence < least:
            reason = f"no class is probable enough: the highest mean is {confidence:.2f}, the limit {least:.2f}"
        return SlideAnswer(
            label=_ABSTAINED if reason else label,
            code=ABSTAINED_LABEL if reason else codes[label],
            confidence=confidence,
            probabilities=means,
            abstained=reason is not None,
            reason=reason,
            threshold=None,
            rule=RULE,
            decoding=DECODING,
            micrometres_per_pixel=slide.facts.slide.micrometres_per_pixel if slide.facts.slide else None,
            field_size=side_of_field(slide),
            least_confidence=least,
            fields=tuple(fields),
        )


def side_of_field(slide: LocalSlide) -> tuple[int, int]:
    """Width and height of a field in pixels of the full size; 0 where the size of a pixel is not known."""
    size = slide.facts.slide.micrometres_per_pixel if slide.facts.slide else None
    return (round(FIELD[0] * MICROMETRES / size), round(FIELD[1] * MICROMETRES / size)) if size else (0, 0)


def _reason_not_to_read(slide: LocalSlide, model: ModelFacts) -> str | None:
    size = slide.facts.slide.micrometres_per_pixel if slide.facts.slide else None
    if size is None:
        return f"the slide does not state the size of its pixels; {model.name} needs at most {COARSEST:.2f} micrometres"
    if size > COARSEST:
        return (
            f"the slide's pixels are {size:.3f} micrometres wide; {model.name} needs at most {COARSEST:.2f}, since it "
            f"knows photographs of {MICROMETRES:.2f}"
        )
    return None


def _mean(values: Sequence[float]) -> float:
    return round(sum(values) / len(values), 6) if values else 0.0

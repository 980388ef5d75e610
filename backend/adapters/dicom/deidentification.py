"""De-identifies a DICOM file by the table ``rules`` (PS3.15, Annex E), and checks one that was.

The table lists what is kept; the file is written anew from that, so that nothing else can be in it: no preamble, no
foreign file meta information, no trailing padding. The same file and key always give the same bytes, here and in the
page (``frontend/src/dicom``). A de-identified file stays as it is: the check is that nothing would change.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from backend.adapters.dicom import pixels, values
from backend.adapters.dicom.elements import (
    PIXEL_DATA,
    DataSet,
    DicomFile,
    Element,
    fits,
    read,
    text,
    write,
)
from backend.adapters.dicom.pixels import PixelFacts
from backend.adapters.dicom.replacement import KeyedReplacement, NoReplacement, OneForAll, OwnValues, Replacement
from backend.adapters.dicom.rules import Rule, rules
from backend.domain import Fingerprint
from backend.errors import IdentifiersLeft, UnsupportedImage
from ml.preprocessing.dicom_structure import EXPLICIT, PREAMBLE_BYTES

IMPLEMENTATION_UID = "2.25.175826310265438120517930183926174059133"
IMPLEMENTATION_NAME = "SCANPROOF"
SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
PREAMBLE, META, STRUCTURE = "preamble", "file meta information", "structure of the file"

_SOP_CLASS, _SOP_INSTANCE, _STUDY = 0x00080016, 0x00080018, 0x0020000D
_PATIENT_NAME, _PATIENT_ID, _ISSUER, _BIRTH_DATE = 0x00100010, 0x00100020, 0x00100021, 0x00100030
_REMOVED, _METHOD, _METHODS, _DATES = 0x00120062, 0x00120063, 0x00120064, 0x00280303
_IMPLEMENTATION = 0x00020012
_OFFSETS, _LENGTHS = 0x7FE00001, 0x7FE00002
_PIXELS = (PIXEL_DATA, 0x7FE00008, 0x7FE00009)
_WRITTEN_META = (0x00020000, 0x00020001, 0x00020002, 0x00020003, 0x00020010, 0x00020012, 0x00020013)
_CLASS = re.compile(r"1\.2\.840\.10008\.5\.1\.4\.1\.1(\.\d{1,5}){1,4}")
_NAME = "ScanProof^"


@dataclass(slots=True)
class Report:
    """How often each attribute was removed, replaced (by a new UID, date, pseudonym or nothing), or cleaned, that is,
    kept without a part of its value. Names are those of ``Rules.name``."""

    removed: Counter[str] = field(default_factory=Counter)
    replaced: Counter[str] = field(default_factory=Counter)
    cleaned: Counter[str] = field(default_factory=Counter)

    def counts(self) -> dict[str, dict[str, int]]:
        return {"removed": dict(self.removed), "replaced": dict(self.replaced), "cleaned": dict(self.cleaned)}

    def names(self) -> tuple[str, ...]:
        return tuple(sorted({*self.removed, *self.replaced, *self.cleaned}))


@dataclass(frozen=True, slots=True)
class Deidentified:
    """``instance`` is the new SOP Instance UID. ``uids`` are all new UIDs by the old ones: with them, the sender finds
    its own study again. ``frames`` is the number of pictures that the file says it has."""

    content: bytes
    instance: str
    report: Report
    uids: Mapping[str, str]
    frames: int = 1


def deidentify(content: bytes, key: bytes) -> Deidentified:
    """``content`` without identifiers; ``key`` is the sender's, of ``replacement.KEY_BYTES``.

    A file that these rules made, and would only give other UIDs and dates, stays as it is: the copies of a record must
    keep their CIDs. Raises UnsupportedImage for what is no whole DICOM image, ImageTooLarge.
    """
    file = read(content)
    if _was_made_here(file) and _rechecked(file, content).content == content:
        frames = pixels.facts(file.data_set).frames
        return Deidentified(content, text(file.data_set.get(_SOP_INSTANCE)), Report(), {}, frames)
    replacement = KeyedReplacement(key, _patient(file.data_set))
    return _Rewriting(file, content, replacement).run()


def with_own_values(content: bytes) -> bytes:
    """What the rules keep of a file, with its own UIDs, patient and dates: for those who keep and show nothing of it.

    Raises UnsupportedImage for what is no whole DICOM image, ImageTooLarge.
    """
    file = read(content)
    return _Rewriting(file, content, OwnValues(text(file.data_set.get(_PATIENT_ID)))).run().content


def fingerprint(content: bytes) -> Fingerprint:
    """Raises UnsupportedImage for what is no whole DICOM image, ImageTooLarge, and ``ml.errors.ImageError``."""
    from ml.preprocessing.dicom import DicomFile as Pictures

    file = read(content)
    values = Pictures(content).stored(0)
    left = _Rewriting(file, content, OneForAll()).run().content
    digest = hashlib.sha256(left).hexdigest() if values.min() < values.max() else ""
    return Fingerprint(digest, clean=_was_made_here(file))


def identifiers_left(content: bytes) -> tuple[str, ...]:
    """The names of the attributes, and of other places, in which a file may still identify somebody. Never a value.

    Raises UnsupportedImage for what is no whole DICOM image, ImageTooLarge.
    """
    rewritten = _rechecked(read(content), content)
    if rewritten.content == content:
        return ()
    return rewritten.report.names() or (STRUCTURE,)


def check(content: bytes) -> None:
    """Raises IdentifiersLeft, and what ``identifiers_left`` raises."""
    if names := identifiers_left(content):
        raise IdentifiersLeft(names)


def _was_made_here(file: DicomFile) -> bool:
    """Whether a file says that these rules made it, before it is looked at whole."""
    return text(file.meta.get(_IMPLEMENTATION)) == IMPLEMENTATION_UID and text(file.data_set.get(_REMOVED)) == "YES"


def _rechecked(file: DicomFile, content: bytes) -> Deidentified:
    return _Rewriting(file, content, NoReplacement(text(file.data_set.get(_PATIENT_ID)))).run()


def _patient(data_set: DataSet) -> str:
    """What tells this patient from others: the id with its issuer, else the name, else the study."""
    if found := text(data_set.get(_PATIENT_ID)):
        return f"id\0{found}\0{text(data_set.get(_ISSUER))}"
    if found := text(data_set.get(_PATIENT_NAME)):
        return f"name\0{found}\0{text(data_set.get(_BIRTH_DATE))}"
    return f"study\0{text(data_set.get(_STUDY))}"


class _Rewriting:
    """One file that is written anew."""

    def __init__(self, file: DicomFile, content: bytes, replacement: Replacement) -> None:
        self._file, self._content, self._replacement = file, content, replacement
        self._rules = rules()
        self._facts: PixelFacts = pixels.facts(file.data_set)
        self._report = Report()
        self._uids: dict[str, str] = {}

    def run(self) -> Deidentified:
        source = self._file.data_set
        if not any(tag in source for tag in _PIXELS):
            raise UnsupportedImage("expected a DICOM image, found a DICOM object without pixel data")
        encapsulated = PIXEL_DATA in source and source[PIXEL_DATA].fragments is not None
        if encapsulated != bool(self._file.syntax.stream):
            found = "encapsulated ones" if encapsulated else "native ones"
            raise UnsupportedImage(f"expected pixel data as the transfer syntax says, found {found}")
        kept = self._data_set(source, root=True)
        self._set(kept)
        ordered = [kept[tag] for tag in sorted(kept)]
        content = write(self._meta(kept), ordered)
        instance = text(kept.get(_SOP_INSTANCE))
        return Deidentified(content, instance, self._report, self._uids, self._facts.frames)

    def _data_set(self, source: DataSet, *, root: bool) -> DataSet:
        kept: DataSet = {}
        for tag in sorted(source):
            rule = self._rules.attributes.get(tag)
            name = self._rules.name(tag)
            if rule is None or (rule.root and not root):
                self._report.removed[name] += 1
                continue
            element = self._usable(source[tag], rule)
            made = element and _KINDS[rule.kind](self, element, rule, source)
            if made is None or not fits(made.vr, made.value):
                self._report.removed[name] += 1
            else:
                kept[tag] = made
        return kept

    def _usable(self, element: Element, rule: Rule) -> Element | None:
        """The element with a VR of the rule, and with its value in little endian; None where it has another VR."""
        vr = element.vr if element.vr not in ("", "UN") else rule.vr[0]
        if rule.vr == ("US", "SS") and vr != element.vr:
            vr = "SS" if self._facts.signed else "US"
        if vr not in rule.vr or (element.items is not None) != (vr == "SQ"):
            return None
        if rule.kind == "pixels" or element.items is not None:
            return replace(element, vr=vr)
        size = values.number_bytes(vr) if element.big_endian else 1
        return Element(element.tag, vr, values.little_endian(element.value, size))

    def _replaced(self, element: Element, new: str, old: str) -> Element:
        if new != old:
            self._report.replaced[self._rules.name(element.tag)] += 1
        return Element(element.tag, element.vr, new.encode("latin-1"))

    def _cleaned(self, element: Element, new: bytes, *, changed: bool) -> Element:
        if changed:
            self._report.cleaned[self._rules.name(element.tag)] += 1
        return Element(element.tag, element.vr, new)

    def uid(self, element: Element, rule: Rule, source: DataSet) -> Element | None:
        old = text(element)
        if not old and element.tag == _SOP_INSTANCE:
            return None
        return self._new_uid(element, old) if old else Element(element.tag, element.vr)

    def _new_uid(self, element: Element, old: str) -> Element | None:
        new = self._replacement.uid(old)
        if new is None:
            return None
        if new != old:
            self._uids[old] = new
        return self._replaced(element, new, old)

    def sop_class(self, element: Element, rule: Rule, source: DataSet) -> Element:
        old = text(element)
        return self._replaced(element, old if _CLASS.fullmatch(old) else SECONDARY_CAPTURE, old)

    def date(self, element: Element, rule: Rule, source: DataSet) -> Element:
        old = text(element)
        return self._replaced(element, self._replacement.date(old) or "", old)

    def empty(self, element: Element, rule: Rule, source: DataSet) -> Element:
        return self._replaced(element, "", text(element))

    def patient(self, element: Element, rule: Rule, source: DataSet) -> Element | None:
        new = self._pseudonym(element.tag)
        return None if new is None else self._replaced(element, new, text(element))

    def age(self, element: Element, rule: Rule, source: DataSet) -> Element | None:
        old = text(element)
        new = values.age(old) if old else ""
        return None if new is None else self._cleaned(element, new.encode(), changed=new != old)

    def numbers(self, element: Element, rule: Rule, source: DataSet) -> Element | None:
        old = text(element)
        new = values.numbers(rule, old) if old else ""
        return None if new is None else Element(element.tag, element.vr, new.encode())

    def terms(self, element: Element, rule: Rule, source: DataSet) -> Element | None:
        old = text(element)
        new = values.terms(rule, old) if old else ""
        if new is None:
            return None
        return self._cleaned(element, new.encode(), changed=new.split("\\") != values.parts(old))

    def words(self, element: Element, rule: Rule, source: DataSet) -> Element | None:
        old = text(element)
        new = values.words(self._rules.words, rule.most, old)
        return self._cleaned(element, new.encode(), changed=new != old) if new else None

    def binary(self, element: Element, rule: Rule, source: DataSet) -> Element | None:
        value = bytes(element.value)
        return Element(element.tag, element.vr, value) if values.binary(rule, element.vr, value) else None

    def pointers(self, element: Element, rule: Rule, source: DataSet) -> Element | None:
        value = bytes(element.value)
        known = self._rules.attributes
        return Element(element.tag, element.vr, value) if values.pointers(rule, value, known) else None

    def table(self, element: Element, rule: Rule, source: DataSet) -> Element | None:
        return self._entries(
            element, rule, source, lambda descriptor, value: values.table_bytes(descriptor, len(value))
        )

    def segments(self, element: Element, rule: Rule, source: DataSet) -> Element | None:
        return self._entries(element, rule, source, values.segments_bytes)

    def _entries(
        self, element: Element, rule: Rule, source: DataSet, length_of: Callable[[bytes, bytes], int]
    ) -> Element | None:
        """A lookup table of the length that ``length_of`` its descriptor and its value gives."""
        found = source.get(rule.descriptor)
        descriptor = found and self._usable(found, self._rules.attributes[rule.descriptor])
        if not descriptor or len(descriptor.value) != 6:
            return None
        value = bytes(element.value)
        length = length_of(bytes(descriptor.value), value)
        return self._cleaned(element, value[:length], changed=len(value) > length)

    def sequence(self, element: Element, rule: Rule, source: DataSet) -> Element:
        items = [self._data_set(item, root=False) for item in element.items or []]
        return Element(element.tag, "SQ", items=items)

    def pixel_data(self, element: Element, rule: Rule, source: DataSet) -> Element:
        if element.fragments is not None:
            fragments, changed = pixels.encapsulated(element, self._file.syntax, self._facts)
            made = Element(element.tag, "OB", fragments=fragments)
        else:
            value, changed = pixels.native(element, self._facts)
            made = Element(element.tag, element.vr, value)
        if changed:
            self._report.cleaned[self._rules.name(element.tag)] += 1
        return made

    def offsets(self, element: Element, rule: Rule, source: DataSet) -> Element | None:
        tables = [bytes(source[tag].value) for tag in (_OFFSETS, _LENGTHS) if tag in source]
        data = source.get(PIXEL_DATA)
        valid = len(tables) == 2 and data and pixels.extended_offsets(tables[0], tables[1], data)
        return Element(element.tag, element.vr, bytes(element.value)) if valid else None

    def written(self, element: Element, rule: Rule, source: DataSet) -> Element:
        """Attributes that ``_set`` gives: what the file has there is another's word."""
        return element

    def _pseudonym(self, tag: int) -> str | None:
        made = self._replacement.patient_id
        if made is None or tag == _PATIENT_ID:
            return made
        return _NAME + made.removeprefix("SP-")

    def _set(self, kept: DataSet) -> None:
        """Add what every de-identified file has (PS3.15, section E.1.1): pseudonyms, method, and a UID of its own."""
        for tag in (_PATIENT_NAME, _PATIENT_ID):
            if tag not in kept and (made := self._pseudonym(tag)):
                self._put(kept, Element(tag, self._rules.attributes[tag].vr[0], made.encode()))
        if _SOP_CLASS not in kept:
            self._put(kept, Element(_SOP_CLASS, "UI", SECONDARY_CAPTURE.encode()))
        if _SOP_INSTANCE not in kept:
            digest = hashlib.sha256(self._content).hexdigest()
            if made_uid := self._new_uid(Element(_SOP_INSTANCE, "UI"), f"sha256:{digest}"):
                kept[_SOP_INSTANCE] = made_uid
        methods = [
            {
                0x00080100: Element(0x00080100, "SH", value.encode()),
                0x00080102: Element(0x00080102, "SH", b"DCM"),
                0x00080104: Element(0x00080104, "LO", meaning.encode()),
            }
            for value, meaning in self._rules.methods
        ]
        self._put(kept, Element(_REMOVED, "CS", b"YES"))
        self._put(kept, Element(_METHOD, "LO", f"ScanProof rules {self._rules.version}".encode()))
        self._put(kept, Element(_METHODS, "SQ", items=methods))
        self._put(kept, Element(_DATES, "CS", b"MODIFIED"))

    def _put(self, kept: DataSet, element: Element) -> None:
        """``element``, with a word in the report unless the file has it."""
        if element.tag not in kept or _plain(kept[element.tag]) != _plain(element):
            self._report.replaced[self._rules.name(element.tag)] += 1
        kept[element.tag] = element

    def _meta(self, kept: DataSet) -> list[Element]:
        """The file meta information (PS3.10, section 7.1), with nothing of its former writer."""
        file = self._file
        if any(file.preamble) or len(file.preamble) != PREAMBLE_BYTES:
            self._report.removed[PREAMBLE] += 1
        for tag in file.meta:
            if tag not in _WRITTEN_META:
                self._report.removed[self._rules.name(tag)] += 1
        uid = file.uid if file.syntax.stream else EXPLICIT
        made = [
            Element(0x00020001, "OB", b"\0\1"),
            Element(0x00020002, "UI", bytes(kept[_SOP_CLASS].value)),
            Element(0x00020003, "UI", bytes(kept[_SOP_INSTANCE].value) if _SOP_INSTANCE in kept else b""),
            Element(0x00020010, "UI", uid.encode()),
            Element(0x00020012, "UI", IMPLEMENTATION_UID.encode()),
            Element(0x00020013, "SH", IMPLEMENTATION_NAME.encode()),
        ]
        for element in made[1:]:
            if text(file.meta.get(element.tag)) != text(element):
                self._report.replaced[self._rules.name(element.tag)] += 1
        return made


def _plain(element: Element) -> object:
    """What an element says, without padding and encoding."""
    if element.items is None:
        return text(element)
    return [{tag: _plain(inner) for tag, inner in item.items()} for item in element.items]


_KINDS = {
    "uid": _Rewriting.uid,
    "class": _Rewriting.sop_class,
    "date": _Rewriting.date,
    "empty": _Rewriting.empty,
    "patient-name": _Rewriting.patient,
    "patient-id": _Rewriting.patient,
    "age": _Rewriting.age,
    "set": _Rewriting.written,
    "words": _Rewriting.words,
    "terms": _Rewriting.terms,
    "numbers": _Rewriting.numbers,
    "binary": _Rewriting.binary,
    "pointers": _Rewriting.pointers,
    "table": _Rewriting.table,
    "segments": _Rewriting.segments,
    "sequence": _Rewriting.sequence,
    "pixels": _Rewriting.pixel_data,
    "offsets": _Rewriting.offsets,
}

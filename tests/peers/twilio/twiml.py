"""TwiML documents: parsed, and checked against the verbs, nouns and attributes Twilio documents."""

import xml.etree.ElementTree as ET
from dataclasses import dataclass, field

DOCUMENT_PARSE_FAILURE = 12100
SCHEMA_WARNING = 12200
CONTENT_TYPE = 12300

_ACTION = {"action", "method"}
_VOICE = {"voice", "language", "loop"}
_ATTRIBUTES: dict[str, set[str]] = {
    "Response": set(),
    "Say": _VOICE,
    "Play": {"loop", "digits"},
    "Pause": {"length"},
    "Redirect": {"method"},
    "Reject": {"reason"},
    "Hangup": set(),
    "Dial": {"callerId", "timeout", "hangupOnStar", "timeLimit", "answerOnBridge", "ringTone", "record", *_ACTION},
    "Number": {"sendDigits", "url", "method", "statusCallback", "statusCallbackEvent", "statusCallbackMethod"},
    "Gather": {"numDigits", "finishOnKey", "timeout", "actionOnEmptyResult", "input", "language", *_ACTION},
    "Connect": _ACTION,
    "Stream": {"url", "name", "track", "statusCallback", "statusCallbackMethod"},
    "Parameter": {"name", "value"},
    "Message": {"to", "from", "statusCallback", *_ACTION},
    "Body": set(),
}
_NESTED: dict[str, set[str]] = {
    "Response": {"Say", "Play", "Pause", "Redirect", "Reject", "Hangup", "Dial", "Gather", "Connect", "Message"},
    "Dial": {"Number"},
    "Gather": {"Say", "Play", "Pause"},
    "Connect": {"Stream"},
    "Stream": {"Parameter"},
    "Message": {"Body"},
}
_LONGEST_PARAMETER = 500  # characters of name and value together


@dataclass
class Verb:
    """A verb or noun of a document."""

    name: str
    text: str = ""
    attributes: dict[str, str] = field(default_factory=dict)
    nested: list["Verb"] = field(default_factory=list)

    def get(self, name: str, otherwise: str = "") -> str:
        """Return an attribute."""
        return self.attributes.get(name, otherwise)

    def seconds(self, name: str, otherwise: float) -> float:
        """Return an attribute that is a number."""
        try:
            return max(0.0, float(self.attributes[name]))
        except (KeyError, ValueError):
            return otherwise


class TwimlError(Exception):
    """A document that cannot be obeyed: Twilio's `code` and a sentence."""

    def __init__(self, code: int, sentence: str) -> None:
        super().__init__(f"{code}: {sentence}")
        self.code = code
        self.sentence = sentence


def parse(text: str, content_type: str = "text/xml") -> tuple[list[Verb], list[str]]:
    """Return a document's verbs, and warnings (12200) of what is not in the schema and was left out.

    Plain text is read out. Raises TwimlError for what is no TwiML: other types (12300), bad XML (12100).
    """
    if content_type in ("text/plain", "text/html"):
        return [Verb("Say", text)], []
    if content_type not in ("text/xml", "application/xml", "application/xhtml+xml"):
        raise TwimlError(CONTENT_TYPE, f"Invalid Content-Type: {content_type}")
    try:
        root = ET.fromstring(text)
    except ET.ParseError as error:
        raise TwimlError(DOCUMENT_PARSE_FAILURE, f"Document parse failure: {error}") from error
    if root.tag != "Response":
        raise TwimlError(DOCUMENT_PARSE_FAILURE, f"The document's root is {root.tag}, not Response")
    warnings: list[str] = []
    return _verb(root, warnings).nested, warnings


def _verb(element: ET.Element, warnings: list[str]) -> Verb:
    attributes = {}
    for name, value in element.attrib.items():
        if name in _ATTRIBUTES[element.tag]:
            attributes[name] = value
        else:
            warnings.append(f"{element.tag} has no attribute {name}")
    verb = Verb(element.tag, (element.text or "").strip(), attributes)
    for child in element:
        if child.tag in _NESTED.get(element.tag, set()):
            verb.nested.append(_verb(child, warnings))
        else:
            warnings.append(f"{child.tag} may not stand in {element.tag}")
    if element.tag == "Parameter" and len(verb.get("name") + verb.get("value")) > _LONGEST_PARAMETER:
        warnings.append("A Parameter's name and value are longer than 500 characters")
    return verb

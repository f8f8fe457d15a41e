"""OneTimeExportService of nebius.billing.v1alpha1: create an export, ask how it is.

Its few messages are written and read here, field by field as the published .proto files number
them: strings, enumerations and messages within messages.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import grpc  # type: ignore[import-untyped]
import stamina

from connectors._http import Credential
from models.errors import ConfigError, ContractError, FetchError

_SERVICE = "/nebius.billing.v1alpha1.OneTimeExportService"
_FOCUS_1_2_CSV = 1
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_TIMEOUT = 60.0
ATTEMPTS = 6

SCHEDULED, RUNNING, SUCCESS, FAILED, ARCHIVED = 1, 2, 3, 4, 5
_STATES = {0: "UNSPECIFIED", 1: "SCHEDULED", 2: "RUNNING", 3: "SUCCESS", 4: "FAILED", 5: "ARCHIVED"}
_BUSY = ("UNAVAILABLE", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED", "ABORTED", "INTERNAL")
_A_PERSON_MUST_ACT = ("UNAUTHENTICATED", "PERMISSION_DENIED")


@dataclass(frozen=True)
class Exports:
    """The service of one account; the token goes with every call and is never told."""

    channel: Any
    credential: Credential
    _secret: str = field(repr=False)

    def create(self, contract_id: str, period: str) -> str:
        """Ask for the export of one billing period; return its id."""
        spec = _enumeration(1, _FOCUS_1_2_CSV) + _text(2, period) + _text(3, period)
        request = _message(1, _text(2, contract_id)) + _message(2, spec)
        operation = fields(self._call("Create", request))
        export_id = as_text(operation.get(7))
        if not export_id:
            said = as_text(fields(as_bytes(operation.get(10))).get(2))
            raise ContractError(f"Nebius did not create an export of {period}: {said or 'no id'}")
        return export_id

    def link(self, export_id: str) -> str | None:
        """Return the link once the export is done; every call makes a fresh one."""
        export = fields(self._call("Get", _text(1, export_id)))
        status = fields(as_bytes(export.get(3)))
        state = status.get(1, 0)
        assert isinstance(state, int)
        if state in (FAILED, ARCHIVED):
            error = fields(as_bytes(fields(as_bytes(status.get(4))).get(1)))
            said = " ".join(filter(None, (as_text(error.get(1)), as_text(error.get(2)))))
            name = _STATES[state]
            raise ContractError(f"export {export_id} is {name}" + (f": {said}" if said else ""))
        if state not in _STATES:
            raise ContractError(
                f"export {export_id} has state {state!r}; allowed: {', '.join(_STATES.values())}"
            )
        return as_text(status.get(2)) or None if state == SUCCESS else None

    def _call(self, method: str, request: bytes) -> bytes:
        """Return the bytes of an answer, after retries while the service is busy."""
        call = self.channel.unary_unary(f"{_SERVICE}/{method}")
        bearer = (("authorization", f"Bearer {self._secret}"),)
        try:
            for attempt in stamina.retry_context(on=_is_busy, attempts=ATTEMPTS, timeout=600):
                with attempt:
                    answer: bytes = call(request, metadata=bearer, timeout=_TIMEOUT)
        except grpc.RpcError as error:
            raise self._explained(error, method) from None
        return answer

    def _explained(self, error: Any, method: str) -> Exception:
        code = error.code().name
        said = (error.details() or "").replace(self._secret, "***")[:300]
        sentence = f"Nebius {method} answered {code}" + (f" ({said})" if said else "")
        if code in _A_PERSON_MUST_ACT:
            return ConfigError(f"{sentence}: is the token in {self.credential.env} still good?")
        return FetchError(sentence) if code in _BUSY else ContractError(sentence)


@contextmanager
def connect(url: str, credential: Credential) -> Iterator[Exports]:
    """Open the service; unencrypted only on loopback."""
    secret = credential.secret()
    address = urlsplit(url)
    is_loopback = address.hostname in _LOOPBACK
    if address.scheme != "https" and not is_loopback:
        raise ConfigError(f"{url} would send the token unencrypted: use https")
    target = f"{address.hostname}:{address.port or 443}"
    if address.scheme == "https":
        channel = grpc.secure_channel(target, grpc.ssl_channel_credentials())
    else:
        channel = grpc.insecure_channel(target)
    with channel:
        yield Exports(channel, credential, secret)


def _is_busy(error: Exception) -> bool:
    return isinstance(error, grpc.RpcError) and error.code().name in _BUSY


# --- the wire format of protocol buffers ----------------------------------------------------------


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def _message(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _text(number: int, text: str) -> bytes:
    return _message(number, text.encode())


def _enumeration(number: int, value: int) -> bytes:
    return _varint(number << 3) + _varint(value)


def fields(message: bytes) -> dict[int, bytes | int]:
    """Return a message's fields by number; of one that is repeated, the last."""
    found: dict[int, bytes | int] = {}
    position = 0
    try:
        while position < len(message):
            key, position = _read_varint(message, position)
            number, kind = key >> 3, key & 7
            if kind == 0:
                found[number], position = _read_varint(message, position)
                continue
            length, position = _length(message, position, kind)
            if position + length > len(message):
                raise IndexError
            found[number] = message[position : position + length]
            position += length
    except IndexError as error:
        raise ContractError("an answer of Nebius is cut off") from error
    return found


def _length(message: bytes, position: int, kind: int) -> tuple[int, int]:
    if kind == 2:
        return _read_varint(message, position)
    if kind in (1, 5):
        return (8 if kind == 1 else 4), position
    raise ContractError(f"an answer of Nebius has a field of wire type {kind}; allowed: 0, 1, 2, 5")


def _read_varint(message: bytes, position: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = message[position]
        number |= (byte & 0x7F) << shift
        position, shift = position + 1, shift + 7
        if byte < 0x80:
            return number, position


def as_bytes(value: bytes | int | None) -> bytes:
    """Return a field that holds bytes; an absent one is empty."""
    return value if isinstance(value, bytes) else b""


def as_text(value: bytes | int | None) -> str:
    """Return a field that holds a string; an absent one is empty."""
    return as_bytes(value).decode()

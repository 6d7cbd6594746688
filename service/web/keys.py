"""Keys: who may do what, on which models. Only hashes of keys are ever stored."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Collection, Sequence
from typing import Literal, NamedTuple, get_args

from service.web.problems import Forbidden, Unauthenticated

Scope = Literal["predict", "truth", "admin"]
SCOPES: tuple[str, ...] = get_args(Scope)


class BadKeys(ValueError):
    """A line of the key file cannot be read; the message names its number, never the line."""


class Key(NamedTuple):
    name: str
    scopes: frozenset[str]
    digest: bytes
    #: None: every model.
    models: frozenset[str] | None = None

    def may(self, scope: Scope, model: str | None = None) -> bool:
        if scope not in self.scopes:
            return False
        return model is None or self.covers(model)

    def covers(self, model: str) -> bool:
        """Whether the key is for this model at all."""
        limit = self.models or ()
        return self.models is None or model in limit

    def check(self, scopes: Sequence[Scope], model: str | None = None) -> None:
        """Forbidden unless it has one of the scopes, for the model."""
        for scope in scopes:
            if self.may(scope, model):
                return
        where = f" on {model}" if model and self.scopes & set(scopes) else ""
        raise Forbidden(f"the key {self.name} has no scope {' or '.join(scopes)}{where}")


#: Sums of no key, and of the end of a line that `echo` alone leaves.
OF_NOTHING = tuple(hashlib.sha256(text).digest() for text in (b"", b"\n", b"\r\n"))
#: Stands for every caller where keys are off.
ANYONE = Key("anyone", frozenset(SCOPES), b"")
#: Stands for a caller of whom nothing is known yet: it may do nothing, on no model.
NOBODY = Key("nobody", frozenset(), b"", frozenset())


def parse_keys(text: str, served: Collection[str]) -> tuple[Key, ...]:
    """Lines of `name:scopes:sha256[:models]`; scopes and models are separated by commas."""
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), start=1)]
    keys = tuple(
        _parse_line(number, line, served)
        for number, line in lines
        if line and not line.startswith("#")
    )
    if text.strip() and not keys:
        # Else a file of which only comments are left would let everyone in, on any address.
        raise BadKeys("KEYS has no key; give a line name:scopes:sha256, or set AUTH=off")
    names = [key.name for key in keys]
    for name in names:
        if names.count(name) > 1:
            raise BadKeys(f"KEYS has the name {name} more than once; give each key its own name")
    return keys


def _parse_line(number: int, line: str, served: Collection[str]) -> Key:
    name, _, rest = line.partition(":")
    scopes, _, rest = rest.partition(":")
    digest, _, models = rest.partition(":")
    scope_names = frozenset(filter(None, (scope.strip() for scope in scopes.split(","))))
    if not name or not scope_names or not scope_names <= set(SCOPES):
        raise BadKeys(
            f"KEYS, line {number}: must be name:scopes:sha256[:models],"
            f" with scopes of {', '.join(SCOPES)}"
        )
    try:
        raw = binascii.unhexlify(digest.strip())
    except binascii.Error:
        raw = b""
    if len(raw) != 32:
        raise BadKeys(f"KEYS, line {number}: the third part must be the SHA-256 of the key, in hex")
    if raw in OF_NOTHING:
        raise BadKeys(
            f"KEYS, line {number}: the third part is the SHA-256 of nothing, as of a variable that is"
            " not set; make a key first, then its sum"
        )
    return Key(name, scope_names, raw, _limit(number, models, served))


def _limit(number: int, models: str, served: Collection[str]) -> frozenset[str] | None:
    if not models.strip():
        return None
    limit = frozenset(part.strip() for part in models.split(","))
    if not limit <= set(served):
        raise BadKeys(
            f"KEYS, line {number}: the key is limited to a model that is not served;"
            f" served are {', '.join(served)}; name these, or none for all"
        )
    return limit


def key_in(header: str) -> str:
    """The key in an Authorization header: `Bearer KEY`, or `Basic` with the key as password."""
    kind, _, value = header.partition(" ")
    if kind.lower() == "bearer":
        return value.strip()
    if kind.lower() == "basic":
        try:
            pair = base64.b64decode(value.strip(), validate=True).decode("utf-8")
        except (binascii.Error, UnicodeDecodeError):
            return ""
        return pair.partition(":")[2]
    return ""


class Authenticator:
    """Tells whose key a request carries. Without keys it lets everyone in: on loopback, or with AUTH=off."""

    def __init__(self, keys: tuple[Key, ...]):
        self._keys = keys

    @property
    def required(self) -> bool:
        """Whether a key is needed at all."""
        return bool(self._keys)

    def identify(self, header: str | None) -> Key:
        """Whose key it is; Unauthenticated where it is nobody's."""
        if not self._keys:
            return ANYONE
        text = key_in(header) if header else ""
        if not text:
            raise Unauthenticated("a key is needed: Authorization: Bearer KEY")
        digest = hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()
        match = None
        # Every key is compared, whichever matches: the time taken tells nothing.
        for key in self._keys:
            if hmac.compare_digest(key.digest, digest):
                match = key
        if match is None:
            raise Unauthenticated("this key is not known")
        return match

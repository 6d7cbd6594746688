"""API keys and certificates, before anything goes to a Swarm."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from scripts.command.outcome import Refused
from scripts.credentials import api_keys, certificates
from service.web.keys import Authenticator, parse_keys

KEY = "-----BEGIN PRIVATE KEY-----"


def pair(folder: Path, host: str = "edge.test") -> tuple[Path, Path]:
    text = certificates.self_signed(host)
    files = folder / f"{host}.crt", folder / f"{host}.key"
    files[0].write_text(certificates.open_part(text), encoding="ascii")
    files[1].write_text(KEY + text.partition(KEY)[2], encoding="ascii")
    return files


def test_the_service_lets_in_who_has_an_added_key_and_nobody_else():
    key = api_keys.new_key()
    lines = api_keys.with_line("", api_keys.line_of("shop", "predict, truth", key, "yield,quality"))
    holder = Authenticator(parse_keys(lines, {"yield", "quality"})).identify(f"Bearer {key}")
    assert holder.name == "shop" and holder.may("truth", "yield")
    assert not holder.may("predict", "other") and not holder.may("admin")
    assert key not in lines


def test_two_keys_are_never_the_same_and_have_256_bits():
    keys = {api_keys.new_key() for _ in range(100)}
    assert len(keys) == 100 and min(map(len, keys)) >= 43


@pytest.mark.parametrize(
    ("name", "scopes", "models"),
    [
        ("a:b", "predict", ""),
        ("a", "", ""),
        ("a", "root", ""),
        ("a", "predict", "x:y"),
        ("", "predict", ""),
    ],
)
def test_a_line_that_the_service_could_not_read_is_refused(name: str, scopes: str, models: str):
    with pytest.raises(Refused):
        api_keys.line_of(name, scopes, "key", models)


def test_a_name_is_given_once_and_the_last_key_cannot_go():
    lines = api_keys.with_line("", api_keys.line_of("a", "predict", "k"))
    with pytest.raises(Refused, match="already"):
        api_keys.with_line(lines, api_keys.line_of("a", "truth", "other"))
    with pytest.raises(Refused, match="last key"):
        api_keys.without(lines, "a")
    with pytest.raises(Refused, match="there are a"):
        api_keys.without(lines, "b")
    both = api_keys.with_line(lines, api_keys.line_of("b", "truth", "other"))
    assert api_keys.names(api_keys.without(both, "a")) == ["b"]


def test_a_certificate_and_its_key_become_one_file(tmp_path: Path):
    text = certificates.from_files(*pair(tmp_path))
    assert text.count("BEGIN CERTIFICATE") == text.count("PRIVATE KEY") - 1 == 1
    assert "PRIVATE" not in certificates.open_part(text)
    assert certificates.expiry(text) > dt.datetime.now(dt.UTC) + dt.timedelta(days=360)


def test_another_certificates_key_is_refused(tmp_path: Path):
    certificate, _ = pair(tmp_path)
    _, key = pair(tmp_path, "other.test")
    with pytest.raises(Refused, match="is not the key of"):
        certificates.from_files(certificate, key)


@pytest.mark.parametrize(("days", "word"), [(400, "expired on"), (-2, "is valid from")])
def test_a_certificate_out_of_its_time_is_refused(tmp_path: Path, days: int, word: str):
    moment = dt.datetime.now(dt.UTC) + dt.timedelta(days=days)
    with pytest.raises(Refused, match=word):
        certificates.from_files(*pair(tmp_path), now=moment)


def test_what_is_no_certificate_or_no_key_is_named(tmp_path: Path):
    certificate, key = pair(tmp_path)
    with pytest.raises(Refused, match="no PEM certificate"):
        certificates.from_files(key, key)
    with pytest.raises(Refused, match="no PEM private key"):
        certificates.from_files(certificate, certificate)
    with pytest.raises(Refused, match="cannot be read"):
        certificates.from_files(tmp_path / "none", key)


def test_an_address_can_have_a_certificate_too():
    assert "BEGIN CERTIFICATE" in certificates.self_signed("10.1.2.3")

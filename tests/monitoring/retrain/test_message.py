from __future__ import annotations

import pytest

from monitoring.retrain.message import ALERTS, BadMessage, Delivery, read_message
from tests.support.monitoring.retrains import alert, message
from tests.support.prometheus import alerts


def test_alerts_of_two_models_are_two_deliveries():
    body = message(alert(), alert("QualityBelowGate"), alert(model="grade"))
    assert [(delivery.model, delivery.alerts) for delivery in read_message(body)] == [
        ("grade", ("InputDrift",)),
        ("yield", ("InputDrift", "QualityBelowGate")),
    ]


def test_the_same_alerts_have_one_key_whoever_sends_them_in_whichever_order():
    first, second = alert(), alert("QualityBelowGate")
    (one,) = read_message(message(first, second))
    (other,) = read_message(message(second, first, groupKey="another's", receiver="x"))
    (without_fingerprint,) = read_message(message({**first, "fingerprint": ""}))
    assert one == other and without_fingerprint.key != one.key
    (later,) = read_message(message({**first, "startsAt": "2026-11-27T04:00:00Z"}, second))
    assert later.key != one.key


def test_what_is_over_or_asks_for_nothing_is_no_delivery():
    other = alert("NodeDown")
    del other["labels"]["action"]
    assert not read_message(message(alert(status="resolved"), other))


def test_alerts_that_newer_data_are_no_remedy_for_are_not_named():
    (delivery,) = read_message(message(alert("MissingValues")))
    assert delivery.alerts == ()


@pytest.mark.parametrize("name", ["", "../x", "a b", "x" * 101, "<b>", "'; --"])
def test_a_name_that_no_model_can_have_is_none(name: str):
    (delivery,) = read_message(message(alert(model=name)))
    assert isinstance(delivery, Delivery) and delivery.model == ""


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"{", "no message"),
        (b"[]", "no message"),
        (message(version="5"), "version '5'"),
        (message(alerts=[{"status": "firing"}]), "no message"),
        (message(alerts=[alert()] * 1001), "1001 alerts"),
    ],
)
def test_what_is_none_of_alertmanagers_is_refused_with_the_reason(body: bytes, words: str):
    with pytest.raises(BadMessage, match=words):
        read_message(body)


def test_the_rules_ask_for_it_where_newer_data_may_be_a_remedy():
    asking = {rule["alert"] for rule in alerts() if rule["labels"].get("action") == "retrain"}
    assert asking == ALERTS.keys()
    kinds = {
        rule["alert"]: kind
        for rule in alerts()
        for kind in ALERTS.values()
        if rule["alert"] in ALERTS and f'kind="{kind}"' in rule["expr"]
    }
    assert kinds == ALERTS

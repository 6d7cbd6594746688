"""Who may ask for a view is said beside it; a rule that does not say so refuses the start."""

from __future__ import annotations

import pytest
from flask import Flask

from service.web.guard import RuleWithoutScopes, check_scopes, scopes


def test_a_rule_without_scopes_refuses_the_start() -> None:
    app = Flask("views", static_folder=None)
    app.add_url_rule("/open", "open", scopes()(lambda: "for all"))
    check_scopes(app)
    app.add_url_rule("/forgotten", "forgotten", lambda: "for whom?", methods=["POST"])
    with pytest.raises(RuleWithoutScopes, match="/forgotten has no @scopes"):
        check_scopes(app)

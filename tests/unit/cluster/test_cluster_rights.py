"""What an API server tells of our rights, and when it is believed."""

from __future__ import annotations

import pytest

from seldon_deployer.cluster.resources import DEPLOYMENTS, SELDON_DEPLOYMENTS
from seldon_deployer.cluster.rights import TO_WAIT, find_missing

GROUP = "machinelearning.seldon.io"
BOTH = ["seldondeployments", "deployments"]


def rule(verbs, resources, groups=(GROUP, "apps"), **more):
    return {"verbs": verbs, "apiGroups": list(groups), "resources": resources, **more}


READ = rule(["get"], BOTH)
SEEN, MADE = ("watch", SELDON_DEPLOYMENTS), ("watch", DEPLOYMENTS)


@pytest.mark.parametrize(
    "told",
    [
        {"resourceRules": [rule(["*"], ["*"], ["*"])]},
        {"resourceRules": [rule(["get", "watch"], BOTH)]},
        {"resourceRules": [READ, rule(["watch"], BOTH, resourceNames=["iris"])]},
        # It does not tell all of them.
        {"resourceRules": [READ], "incomplete": True},
        {"resourceRules": []},
        {},
    ],
)
def test_rights_that_are_there_or_may_be_are_not_missing(told):
    assert find_missing(told, TO_WAIT) == []


@pytest.mark.parametrize(
    ("rules", "missing"),
    [
        ([READ], [SEEN, MADE]),
        ([READ, rule(["watch"], ["deployments"])], [SEEN]),
        ([READ, rule(["watch"], BOTH, [GROUP])], [MADE]),
        ([READ, rule(["watch"], ["pods"], ["*"]), rule(["list"], ["*"], ["*"])], [SEEN, MADE]),
    ],
)
def test_rights_that_are_certainly_missing_are_found(rules, missing):
    assert find_missing({"resourceRules": rules, "incomplete": False}, TO_WAIT) == missing

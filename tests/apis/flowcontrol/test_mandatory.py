"""Mandatory schemas and levels are what they are; shares of the exempt level are left to users."""

from typing import Any

import pytest

from pynetes.apimachinery import meta
from pynetes.apis.flowcontrol.flow_schema import FlowSchemaStrategy
from pynetes.apis.flowcontrol.mandatory import (
    MANDATORY_LEVELS,
    MANDATORY_SCHEMAS,
    SUGGESTED_LEVELS,
    SUGGESTED_SCHEMAS,
)
from pynetes.apis.flowcontrol.priority_level import PriorityLevelStrategy

Object = dict[str, Any]


def problems(obj: Object, **changes: Any) -> list[str]:
    """Of the object with other fields in its spec."""
    changed = meta.copy(obj)
    changed["spec"] |= changes
    strategy = FlowSchemaStrategy() if obj["kind"] == "FlowSchema" else PriorityLevelStrategy()
    strategy.default(changed)
    return [str(error) for error in strategy.validate(changed)]


@pytest.mark.parametrize("obj", [*MANDATORY_LEVELS, *SUGGESTED_LEVELS, *MANDATORY_SCHEMAS, *SUGGESTED_SCHEMAS])
def test_those_of_every_cluster_are_valid(obj: Object) -> None:
    assert problems(obj) == []


def test_what_is_mandatory_cannot_be_changed() -> None:
    exempt, catch_all = MANDATORY_SCHEMAS
    assert problems(exempt, matchingPrecedence=5) == [
        'spec: Invalid value: {"PriorityLevelConfiguration":{"Name":"exempt"},"MatchingPrecedence":5,'
        '"DistinguisherMethod":null,"Rules":[{"Subjects":[{"Kind":"Group","User":null,'
        '"Group":{"Name":"system:masters"},"ServiceAccount":null}],"ResourceRules":[{"Verbs":["*"],"APIGroups":["*"],'
        '"Resources":["*"],"ClusterScope":true,"Namespaces":["*"]}],"NonResourceRules":[{"Verbs":["*"],'
        '"NonResourceURLs":["*"]}]}]}: spec of \'exempt\' must equal the fixed value'
    ]
    assert len(problems(catch_all, rules=[])) == 1
    level, limited = MANDATORY_LEVELS[1], MANDATORY_LEVELS[1]["spec"]["limited"]
    assert problems(level, limited={**limited, "nominalConcurrencyShares": 7}) == [
        'spec: Invalid value: {"Type":"Limited","Limited":{"NominalConcurrencyShares":7,'
        '"LimitResponse":{"Type":"Reject","Queuing":null},"LendablePercent":0,"BorrowingLimitPercent":null},'
        "\"Exempt\":null}: spec of 'catch-all' must equal the fixed value"
    ]


def test_the_exempt_level_may_have_other_shares_and_nothing_else() -> None:
    exempt, limited = MANDATORY_LEVELS[0], MANDATORY_LEVELS[1]["spec"]["limited"]
    assert problems(exempt, exempt={"nominalConcurrencyShares": 9, "lendablePercent": 50}) == []
    found = problems(exempt, limited=limited)
    assert found[-1].endswith("spec of 'exempt' except the 'spec.exempt' field must equal the fixed value")

import pytest

from tests.support.calls import Answer, Call, Rule, parse

GROUP = "datalake.projectescape.eu"


@pytest.mark.parametrize(
    ("method", "target", "expected"),
    [
        ("GET", "/version", Call("c", "get")),
        ("GET", "/api/v1/namespaces", Call("c", "list", "", "namespaces")),
        ("GET", "/api/v1/namespaces/n", Call("c", "get", "", "namespaces", "", "", "n")),
        ("PUT", "/api/v1/namespaces/n/finalize", Call("c", "update", "", "namespaces", "finalize", "", "n")),
        ("GET", "/api/v1/namespaces/n/pods?watch=true&x=1", Call("c", "watch", "", "pods", "", "n")),
        ("GET", "/api/v1/namespaces/n/pods?watch=1", Call("c", "watch", "", "pods", "", "n")),
        ("GET", "/api/v1/namespaces/n/pods?watch=false", Call("c", "list", "", "pods", "", "n")),
        ("POST", "/api/v1/namespaces/n/events", Call("c", "create", "", "events", "", "n")),
        (
            "PATCH",
            f"/apis/{GROUP}/v1alpha1/namespaces/n/xcachenodes/x/status?fieldManager=m",
            Call("c", "patch", GROUP, "xcachenodes", "status", "n", "x"),
        ),
        ("DELETE", "/api/v1/namespaces/n/pods/p", Call("c", "delete", "", "pods", "", "n", "p")),
        ("DELETE", "/api/v1/namespaces/n/pods", Call("c", "deletecollection", "", "pods", "", "n")),
    ],
)
def test_a_request_is_read_in_the_words_of_the_audit_log(method: str, target: str, expected: Call) -> None:
    assert parse("c", method, target) == expected


def test_leases_and_events_are_outside_the_budget_of_writes() -> None:
    assert Call("c", "patch", "", "configmaps").is_write
    assert not Call("c", "update", "coordination.k8s.io", "leases").is_write
    assert not Call("c", "create", "", "events").is_write
    assert not Call("c", "watch", "", "configmaps").is_write


def test_a_rule_fires_from_its_first_match_for_as_many_times_as_it_says() -> None:
    rule = Rule(Answer(500), verb="patch", resource="services", first=2, times=2)
    calls = [Call("c", verb, "", "services") for verb in ("patch", "get", "patch", "patch", "patch")]
    assert [rule.claims(call) for call in calls] == [False, False, True, True, False]
    assert (rule.seen, rule.fired) == (4, 2)


def test_a_rule_without_a_limit_fires_always() -> None:
    rule = Rule(Answer(500), times=None)
    assert all(rule.claims(Call("c", "get")) for _ in range(5))


def test_a_rule_for_the_main_resource_leaves_the_subresource_alone() -> None:
    rule = Rule(Answer(409), resource="xcachenodes", subresource="")
    assert not rule.claims(Call("c", "patch", GROUP, "xcachenodes", "status"))
    assert rule.claims(Call("c", "patch", GROUP, "xcachenodes"))

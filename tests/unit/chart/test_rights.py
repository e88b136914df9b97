from tests.charts import rights
from tests.charts.helm import Helm
from tests.charts.rights import Right

IDENTITY = ("ClusterRole", None)
"""The role that lets the operator find out which cluster it is in."""


def test_the_table_in_the_documentation_is_what_the_chart_grants(helm: Helm) -> None:
    assert rights.documented() == rights.granted(helm.template())


def test_only_granted_rights_are_excused_as_unused(helm: Helm) -> None:
    assert rights.unused() <= rights.granted(helm.template())


def test_the_operator_cannot_delete_claims_and_secrets_or_use_wildcards(helm: Helm) -> None:
    granted = rights.granted(helm.template("--set", "watchNamespaces={*}"))
    assert granted & {Right("", kind, "delete") for kind in ("persistentvolumeclaims", "secrets")} == set()
    assert not {right for right in granted if "*" in right or right.verb == "deletecollection"}


def test_cluster_wide_there_is_only_the_look_at_what_identifies_the_cluster(helm: Helm) -> None:
    (role,) = (document for document in helm.template() if document["kind"] == "ClusterRole")
    assert role["rules"] == [{"apiGroups": [""], "resources": ["namespaces"], "resourceNames": ["kube-system"], "verbs": ["list"]}]  # fmt: skip # noqa: E501
    assert "Its one right beyond: reading the namespace kube-system" in helm.notes()


def test_by_default_there_are_only_roles_in_the_own_namespace(helm: Helm) -> None:
    assert _places(helm) == {("Role", "datalake-system"), IDENTITY}
    assert "It serves the namespaces: datalake-system (a Role in each)" in helm.notes()


def test_a_list_gives_a_role_in_each_and_only_the_lease_at_home(helm: Helm) -> None:
    assert _places(helm, "--set", "watchNamespaces={a,b}") == {("Role", "a"), ("Role", "b"), ("Role", "datalake-system"), IDENTITY}  # fmt: skip # noqa: E501
    home = [role for role in helm.template("--set", "watchNamespaces={a,b}") if role["kind"] == "Role" and role["metadata"]["namespace"] == "datalake-system"]  # fmt: skip # noqa: E501
    assert {right.resource for right in rights.granted(home)} == {"leases"}


def test_a_star_gives_a_cluster_role_and_the_notes_say_so(helm: Helm) -> None:
    cluster_roles = [role for role in helm.template("--set", "watchNamespaces={*}") if role["kind"] == "ClusterRole"]
    assert len(cluster_roles) == 2
    assert _places(helm, "--set", "watchNamespaces={*}") == {("Role", "datalake-system"), IDENTITY}
    assert "It serves EVERY namespace. For that it holds a ClusterRole" in helm.notes("--set", "watchNamespaces={*}")


def test_rights_do_not_depend_on_where_they_hold(helm: Helm) -> None:
    everywhere = rights.granted(helm.template("--set", "watchNamespaces={*}"))
    assert everywhere == rights.granted(helm.template("--set", "watchNamespaces={a,b}")) == rights.granted(helm.template())  # fmt: skip # noqa: E501


def _places(helm: Helm, *arguments: str) -> set[tuple[str, str | None]]:
    return {
        (document["kind"], document["metadata"].get("namespace"))
        for document in helm.template(*arguments)
        if document["kind"] in {"Role", "ClusterRole"}
    }

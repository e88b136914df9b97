from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datalake_operator.api.values import parse_quantity
from datalake_operator.build.quantity import canonical_quantity

# What k8s.io/apimachinery v0.36.3 makes of each: ParseQuantity, RoundUp(milli), String.
VECTORS = [line.split("\t") for line in Path(__file__).with_name("quantities.tsv").read_text().splitlines()]


@pytest.mark.parametrize(("written", "printed"), VECTORS)
def test_quantities_are_printed_as_apimachinery_prints_them(written: str, printed: str) -> None:
    assert canonical_quantity(written) == printed


@given(
    number=st.decimals(min_value=0, max_value=10**6, places=3).map(str),
    suffix=st.sampled_from(["", "m", "k", "M", "G", "Ki", "Mi", "Gi", "Ti", "e3"]),
)
def test_the_canonical_form_is_the_same_amount_and_stays_as_it_is(number: str, suffix: str) -> None:
    canonical = canonical_quantity(number + suffix)
    assert canonical_quantity(canonical) == canonical
    assert parse_quantity(canonical) == parse_quantity(number + suffix)


@pytest.mark.parametrize("text", ["", "Gi", "1 Gi", "1GiB", "1e", "one", "1\n", ".", "--1", "\u0661"])
def test_what_is_no_quantity_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a quantity"):
        canonical_quantity(text)


def test_an_exponent_becomes_a_suffix_since_yaml_would_read_a_number() -> None:
    assert canonical_quantity("5e10") == "50G"
    assert canonical_quantity("1E-1") == "100m"


def test_a_whole_number_needs_no_text() -> None:
    assert canonical_quantity(5_000_000_000) == "5G"

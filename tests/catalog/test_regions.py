"""Which regions lie in which area; what is not known to lie there does not."""

import pytest

from routed_llm import Model, Router
from routed_llm.catalog.regions import AREAS, areas_of, in_region


@pytest.mark.parametrize(
    ("region", "wanted"),
    [
        ("eu", "eu"),
        ("EU", "eu"),
        ("eu-central-1", "eu"),
        ("eu-central-1", "de"),
        ("europe-west3", "eu"),
        ("germanywestcentral", "eu"),
        ("westeurope", "eu"),
        ("de", "eu"),
        ("gb", "uk"),
        ("uk", "gb"),
        ("eu-west-2", "uk"),
        ("uksouth", "uk"),
        ("us-east-1", "us"),
        ("us-gov-west-1", "us"),
        ("eastus2", "us"),
        ("ap-southeast-2", "apac"),
        ("asia-northeast1", "jp"),
        ("australiaeast", "apac"),
        ("ca-central-1", "north_america"),
        ("northamerica-northeast1", "ca"),
        ("sa-east-1", "br"),
        ("norwayeast", "eea"),
        ("my-cellar", "my-cellar"),
        ("My-Cellar", "my-cellar"),
    ],
)
def test_a_region_lies_in_its_areas(region, wanted):
    assert in_region(region, wanted)


@pytest.mark.parametrize(
    ("region", "wanted"),
    [
        (None, "eu"),
        ("eu", "eu-central-1"),
        ("us-east-1", "eu"),
        ("eu-west-2", "eu"),  # London
        ("eu-central-2", "eu"),  # Zurich
        ("europe-west2", "eu"),
        ("europe-west6", "eea"),
        ("uksouth", "eu"),
        ("switzerlandnorth", "eu"),
        ("norwayeast", "eu"),
        ("northamerica-northeast1", "us"),
        ("my-cellar", "my"),
        ("no-idea", "no"),
        ("it-room", "eu"),
        ("global", "eu"),
        ("europe-west3", "us"),
        ("eu-central", "eu-central-1"),
    ],
)
def test_what_is_not_known_to_lie_there_does_not(region, wanted):
    assert not in_region(region, wanted)


def test_every_area_lies_in_itself_and_in_known_areas_only():
    for area in AREAS:
        assert area in areas_of(area)
        assert areas_of(area) <= AREAS


def test_a_deployment_lies_in_its_region_and_where_it_counts_as():
    one, other = Router(
        [Model("sandbox:sandbox-small", region="us-east-1", residency="EU"), Model("sandbox:sandbox-large", region="eu-west-1")]
    ).catalog.deployments
    assert one.residency == ("eu",)
    assert [one.lies_in(area) for area in ("us", "eu", "uk")] == [True, True, False]
    assert [other.lies_in(area) for area in ("eu", "ie", "us")] == [True, True, False]

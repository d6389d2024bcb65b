"""Whether a cache's provenance tells how its features were made."""

from collections.abc import Mapping
from typing import Any


def extraction_of(provenance: Mapping[str, Any]) -> Mapping[str, Any]:
    """The part of a cache's provenance that `extract` wrote, also of a cache with another head.

    Raises:
        LookupError: if there is none: "imported" features, or made by an "earlier" version.
    """
    while "original" in provenance and "backbones" not in provenance:
        provenance = provenance["original"]["provenance"]  # the cache with another head
    if "backbones" not in provenance:
        raise LookupError("imported")
    if "weights" not in provenance:
        raise LookupError("earlier")
    return provenance

"""The bill of materials of a pack: itself, what it requires, and the factor sets it ships, in CycloneDX."""

from __future__ import annotations

__all__ = ["bill_of_materials"]

from packaging.requirements import Requirement

from greenlang.errors import InputError
from greenlang.packs.source import PackSource


def bill_of_materials(pack: PackSource) -> str:
    """The CycloneDX 1.6 document of a pack, as JSON: the same whenever it is made.

    Raises
    ------
    InputError
        If the library of CycloneDX is not installed.
    """
    try:
        from cyclonedx.contrib.license.factories import LicenseFactory
        from cyclonedx.model import HashAlgorithm, HashType, Property
        from cyclonedx.model.bom import Bom
        from cyclonedx.model.component import Component, ComponentType
        from cyclonedx.output.json import JsonV1Dot6
        from packageurl import PackageURL
    except ImportError:
        raise InputError(
            "bills of materials are made by cyclonedx-python-lib, which is not installed",
            fix="run: pip install 'greenlang-runtime[packs]'",
        ) from None
    import hashlib
    from datetime import UTC, datetime
    from uuid import NAMESPACE_URL, uuid5

    licences = LicenseFactory()
    url = PackageURL("pypi", name=pack.distribution, version=pack.version)
    own = Component(
        name=pack.distribution,
        version=pack.version,
        type=ComponentType.LIBRARY,
        purl=url,
        bom_ref=str(url),
        description=pack.manifest.summary,
        licenses=[licences.make_from_string(pack.manifest.licence)],
    )
    bom = Bom(serial_number=uuid5(NAMESPACE_URL, str(url)))
    bom.metadata.component = own
    bom.metadata.timestamp = datetime(1980, 1, 1, tzinfo=UTC)
    required = []
    for text in pack.dependencies or (f"greenlang-runtime{pack.manifest.requires.greenlang}",):
        requirement = Requirement(text)
        needed = PackageURL("pypi", name=requirement.name)
        required.append(
            Component(
                name=requirement.name,
                type=ComponentType.LIBRARY,
                purl=needed,
                bom_ref=str(needed),
                properties=[Property(name="greenlang:range", value=str(requirement.specifier))],
            )
        )
    for declared in pack.manifest.factor_sets:
        digest = hashlib.sha256((pack.folder / declared.path).read_bytes()).hexdigest()
        required.append(
            Component(
                name=declared.dataset,
                version=declared.edition,
                type=ComponentType.DATA,
                bom_ref=f"{url}#{declared.path}",
                hashes=[HashType(alg=HashAlgorithm.SHA_256, content=digest)],
                licenses=[licences.make_with_name(declared.licence)],
                properties=[Property(name="greenlang:citation", value=declared.citation)],
            )
        )
    bom.components.update(required)
    bom.register_dependency(own, required)
    return JsonV1Dot6(bom).output_as_string(indent=2)

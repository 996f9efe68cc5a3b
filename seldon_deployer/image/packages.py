"""Which packages an image needs, and in which versions: those of the training, on request."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from importlib.metadata import Distribution, distributions, packages_distributions

# Libraries of the system that a package needs, which the slim image of Python lacks.
_SYSTEM = {"lightgbm": "libgomp1"}
_REQUIREMENT = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)")
_VERSION = re.compile(r"\d+(\.\d+)*[a-z0-9.]*", re.IGNORECASE)


def requirement_name(requirement: str) -> str:
    """The normalised name of the package that a requirement asks for; '' where it is a path or
    an address.
    """
    found = _REQUIREMENT.match(requirement)
    if found is None or re.match(r"\s*[\w.+-]*[/:\\]", requirement):
        return ""
    return _normalised(found[1])


def says_versions(requirement: str) -> bool:
    """Whether a requirement asks for certain versions of its package."""
    return bool(re.search(r"[=<>!~@]", requirement.partition(";")[0]))


def merge_requirements(*groups: Iterable[str]) -> tuple[str, ...]:
    """All requirements, sorted; of a package that is asked for twice, as the earlier group says."""
    found: dict[str, str] = {}
    for group in groups:
        for requirement in group:
            text = requirement.strip()
            found.setdefault(requirement_name(text) or text, text)
    return tuple(sorted(found.values(), key=str.lower))


def installed_providers(modules: Iterable[str]) -> tuple[set[str], set[str]]:
    """The installed packages that provide top-level modules, and the modules that none does."""
    providers = packages_distributions()
    found = {name: providers.get(name, []) for name in modules}
    packages = {_normalised(each[0]) for each in found.values() if each}
    return packages, {name for name, each in found.items() if not each}


def installed_versions() -> dict[str, str]:
    """Package -> version of this environment, without those that no index has in that version:
    what was installed from a folder or an address.
    """
    return {
        _normalised(each.metadata["Name"]): each.version
        for each in distributions()
        if each.metadata["Name"] and not _is_from_elsewhere(each)
    }


def write_constraints(versions: Mapping[str, str]) -> str:
    """Lines for pip; a version of one number, as some models tell, stands for all that begin so.

    What a builder added to a version (`+cpu`) is left out: another index has another.
    """
    lines = []
    for name, whole in sorted(versions.items()):
        version = whole.partition("+")[0]
        if requirement_name(name) == name and _VERSION.fullmatch(version):
            lines.append(f"{name}=={version}.*" if version.isdigit() else f"{name}=={version}")
    return "".join(f"{line}\n" for line in lines)


def system_packages(requirements: Iterable[str]) -> tuple[str, ...]:
    """Debian packages that the requirements need."""
    names = {requirement_name(each) for each in requirements}
    return tuple(sorted({_SYSTEM[name] for name in names & _SYSTEM.keys()}))


def _is_from_elsewhere(each: Distribution) -> bool:
    return each.read_text("direct_url.json") is not None


def _normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()

"""For all tests: properties are judged by what they say, never by the time they take."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("project", deadline=None)
settings.load_profile("project")

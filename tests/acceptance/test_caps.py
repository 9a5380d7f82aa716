"""Limits of attempts on a real broker, measured where it counts: in the provider's own log of what it got, and when."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from cli.publish import Publisher
from engine.caps import Cap
from engine.compile import compile_plan
from engine.time import HOUR
from outdial.files import read_yaml
from schemas.contact import Contact
from schemas.enrollment import Enroll
from schemas.outcome import Outcome
from schemas.topics import CONTACTS, ENROLLMENTS
from tests.acceptance.world import CLEAN, RESOURCES, World, number_of, people_of

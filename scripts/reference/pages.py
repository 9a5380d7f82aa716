"""All pages of docs/reference/."""

from pathlib import Path

from scripts.reference.asyncapi import asyncapi_text
from scripts.reference.commands import commands
from scripts.reference.events import events
from scripts.reference.files import campaign_file, resources_file
from scripts.reference.rules import rules

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "reference"


def pages() -> dict[str, str]:
    """File name -> text, as the code says now."""
    return {
        "asyncapi.yaml": asyncapi_text(),
        "campaign-file.md": campaign_file(),
        "commands.md": commands(),
        "events.md": events(),
        "resources-file.md": resources_file(),
        "rules.md": rules(),
    }

"""`outdial contacts import|imports|zones|enroll|unenroll`: people enter campaigns. The importer is cli/import_command.py.

Ids are hashes of what they stand for: who is enrolled twice is enrolled once.
"""

from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from cli.import_command import import_command, imports
from cli.importing import enrollment
from cli.open import allowed_in, check_countries, check_open
from cli.publish import Publisher
from cli.read import read_heads
from cli.undo import unenrollment
from cli.words import counted
from cli.zones import zones
from engine.errors import UsageError
from outdial.clock import clock_from
from outdial.settings import Settings
from schemas.topics import ENROLLMENTS

app = typer.Typer(help="The people who are contacted.\n\nExample: outdial contacts zones people.csv", no_args_is_help=True)

#: The most that is accepted as a contact id (schemas/contact.py).
LONGEST_ID = 256

Campaigns = Annotated[list[str], typer.Option("--campaign", help="A campaign they enter; may be given several times.")]


@app.callback()
def _contacts() -> None:
    """The people who are contacted."""


app.command("import")(import_command)
app.command()(imports)


@app.command()
def enroll(contact: Annotated[list[str], typer.Argument(help="Contact ids.")], campaign: Campaigns) -> None:
    """Enter people into a campaign. One who is not known yet waits for the contact to arrive.

    Example: outdial contacts enroll c-0001 c-0002 --campaign spring
    """
    settings = Settings()
    check_ids(contact)
    check_countries(settings, contact, allowed_in(check_open(settings, campaign)))
    now = clock_from(settings).now()
    with Publisher(settings, ENROLLMENTS) as publisher:
        for record in (enrollment(person, name, now, "cli") for person in contact for name in campaign):
            publisher.send(ENROLLMENTS, record.contact_id, record)
    _say(f"enrolled {counted(len(set(contact)), 'person', 'people')} in {', '.join(campaign)}")


@app.command()
def unenroll(contact: Annotated[list[str], typer.Argument(help="Contact ids.")], campaign: Campaigns) -> None:
    """Take people out of a campaign, at once: no further step is taken for them.

    Example: outdial contacts unenroll c-0001 --campaign spring
    """
    settings = Settings()
    check_ids(contact)
    heads = read_heads(settings)
    known = [heads.head(name).id for name in campaign]
    now = clock_from(settings).now()
    with Publisher(settings, ENROLLMENTS) as publisher:
        for person, name in ((person, name) for person in contact for name in known):
            record = unenrollment(person, name, 1, now, "cli")
            publisher.send(ENROLLMENTS, record.key, record)
    _say(f"took {counted(len(set(contact)), 'person', 'people')} out of {', '.join(known)}")


def check_ids(contacts: list[str]) -> None:
    """Raises UsageError for a contact id that cannot be one."""
    if any(not 0 < len(contact) <= LONGEST_ID for contact in contacts):
        raise UsageError(f"a contact id has 1 to {LONGEST_ID} characters")


def _say(sentence: str) -> None:
    Console(soft_wrap=True, highlight=False).print(escape(sentence))


app.command()(zones)

"""`outdial contacts import|imports|zones|enroll|unenroll|goal|callback`: people enter campaigns, and leave.

The importer is cli/import_command.py.

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
from engine.callbacks import callback_instant
from engine.errors import UsageError
from outdial.clock import clock_from
from outdial.settings import Settings
from schemas import ids
from schemas.enrollment import Callback, Goal
from schemas.topics import ENROLLMENTS

app = typer.Typer(help="The people who are contacted.\n\nExample: outdial contacts zones people.csv", no_args_is_help=True)

#: The most that is accepted as a contact id (schemas/contact.py).
LONGEST_ID = 256

Contacts = Annotated[list[str], typer.Argument(help="Contact ids.")]
Entry = Annotated[int, typer.Option(min=1, help="Which passage through the campaign; a second one needs `reentry` in its file.")]
Campaigns = Annotated[list[str], typer.Option("--campaign", help="A campaign they enter; may be given several times.")]


@app.callback()
def _contacts() -> None:
    """The people who are contacted."""


app.command("import")(import_command)
app.command()(imports)


@app.command()
def enroll(contact: Contacts, campaign: Campaigns, entry: Entry = 1) -> None:
    """Enter people into a campaign. One who is not known yet waits for the contact to arrive.

    Whoever has left may enter again with --entry 2, 3 ... if the campaign's `reentry` allows it.

    Example: outdial contacts enroll c-0001 c-0002 --campaign spring
    """
    settings = Settings()
    check_ids(contact)
    check_countries(settings, contact, allowed_in(check_open(settings, campaign)))
    now = clock_from(settings).now()
    with Publisher(settings, ENROLLMENTS) as publisher:
        for record in (enrollment(person, name, now, "cli", entry) for person in contact for name in campaign):
            publisher.send(ENROLLMENTS, record.contact_id, record)
    _say(f"enrolled {counted(len(set(contact)), 'person', 'people')} in {', '.join(campaign)}")


@app.command()
def unenroll(contact: Contacts, campaign: Campaigns, entry: Entry = 1) -> None:
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
            record = unenrollment(person, name, entry, now, "cli")
            publisher.send(ENROLLMENTS, record.key, record)
    _say(f"took {counted(len(set(contact)), 'person', 'people')} out of {', '.join(known)}")


@app.command()
def goal(
    name: Annotated[str, typer.Argument(help="The goal, as campaigns list it under `goals`.")],
    contact: Contacts,
    campaign: Annotated[str | None, typer.Option(help="Only in this campaign; left out, in all that list the goal.")] = None,
) -> None:
    """Say that people have reached a goal: they leave the campaigns that list it, at once, with the reason goal.

    Example: outdial contacts goal paid c-0001 c-0002
    """
    settings = Settings()
    check_ids(contact)
    if campaign is not None:
        read_heads(settings).head(campaign)
    now = clock_from(settings).now()
    with Publisher(settings, ENROLLMENTS) as publisher:
        for person in contact:
            event = ids.digest("goal", name, person, campaign or "", now)
            record = Goal(event_id=event, cause="cli", contact_id=person, goal=name, campaign=campaign, at=now, source="cli")
            publisher.send(ENROLLMENTS, person, record)
    _say(f"{counted(len(set(contact)), 'person', 'people')} reached {name}")


@app.command()
def callback(
    contact: Annotated[str, typer.Argument(help="The contact's id.")],
    campaign: Annotated[str, typer.Option(help="The campaign that is to call.")],
    at: Annotated[str, typer.Option(help="When: 2026-11-26T17:30 by the person's clock, or with a zone, 2026-11-26T17:30-05:00.")],
    entry: Entry = 1,
) -> None:
    """Have somebody called at the time they asked for, within the window, the law and the limits.

    Example: outdial contacts callback c1 --campaign vip --at 2026-11-26T17:30
    """
    settings = Settings()
    check_ids([contact])
    now = clock_from(settings).now()
    if callback_instant(at, ("Etc/UTC",), now) is None:
        raise UsageError(f"--at {at!r} is not a date and time within 400 days: write it as 2026-11-26T17:30")
    name = read_heads(settings).head(campaign).id
    event = ids.digest("callback", contact, name, entry, at, now)
    record = Callback(
        event_id=event, cause="cli", contact_id=contact, campaign=name, entry=entry, callback_at=at, at=now, source="cli"
    )
    with Publisher(settings, ENROLLMENTS) as publisher:
        publisher.send(ENROLLMENTS, contact, record)
    _say(f"{contact} is to be called by {name} at {at}")


def check_ids(contacts: list[str]) -> None:
    """Raises UsageError for a contact id that cannot be one."""
    if any(not 0 < len(contact) <= LONGEST_ID for contact in contacts):
        raise UsageError(f"a contact id has 1 to {LONGEST_ID} characters")


def _say(sentence: str) -> None:
    Console(soft_wrap=True, highlight=False).print(escape(sentence))


app.command()(zones)

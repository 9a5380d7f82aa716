"""What is known of a person, as `explain` prints it above its answers: zones, places, consents, attempts, opt-outs."""

from rich.console import Console
from rich.markup import escape

from cli.attempts import local
from cli.dossier import Dossier
from cli.words import pending
from engine.suppression import holds
from engine.time import Instant
from engine.zones import told_by
from schemas.rows import Attempt, Consent, LedgerRow, OptOutEntry, SuppressionEntry

#: Attempts that are told one by one, the last ones.
ATTEMPTS = 5


def who(console: Console, one: Dossier, at: Instant) -> None:
    """Of later things than `at` nothing is told; zones and places are today's."""
    profile = one.profile
    console.print(f"[bold]{escape(one.contact_id)}[/bold]  {', '.join(one.addresses) or 'no address is known'}")
    if profile is None:
        return
    zones = ", ".join(profile.zones) or "none known: the campaign's fallback counts"
    places = ", ".join(profile.jurisdictions) or "none known: the strictest rules count"
    _line(console, "time zones", f"{zones} ({told_by(profile.zone_sources)})")
    _line(console, "jurisdictions", f"{places} ({told_by(profile.jurisdiction_sources)})")
    zone = profile.zones[0] if profile.zones else "UTC"
    for consent in profile.consents:
        _line(console, "consent", _consent(consent, zone))
    for attempt in [each for each in profile.attempts if each.at <= at][-ATTEMPTS:]:
        _line(console, "attempt", _attempt(attempt, zone))
    for action in [each for each in one.actions if each.at <= at]:
        _line(console, "to be done", pending(action))
    for entry in [each for each in profile.opt_outs if each.at <= at]:
        _line(console, "opted out", _opt_out(one, entry, zone), "red")
    for problem in profile.problems:
        _line(console, "not readable", problem)


def suppressions(console: Console, row: LedgerRow, at: Instant) -> None:
    """What keeps an address from being contacted, and what did before `at`."""
    for entry in [each for each in row.suppressions if each.at <= at]:
        _line(console, "suppressed" if holds(entry, at) else "was suppressed", f"{row.address}: {_entry(entry)}", "red")


def clock(instant: int, zone: str) -> str:
    return local(instant, zone).strftime("%a %Y-%m-%d %H:%M:%S %Z")


def _line(console: Console, title: str, text: str, style: str = "") -> None:
    head = f"[{style}]{title}[/{style}]" if style else title
    console.print(f"  {head}{' ' * max(1, 15 - len(title))}{escape(text)}")


def _consent(consent: Consent, zone: str) -> str:
    """`express written to be called, for marketing, since ... (web form)`."""
    by = "anything" if consent.channel == "all" else consent.channel
    parts = [f"{consent.kind.replace('_', ' ')}, for {by}" + ("" if consent.scope == "all" else f" of {consent.scope}")]
    for word, instant in (("since", consent.at), ("until", consent.expires_at), ("taken back", consent.revoked_at)):
        if instant is not None:
            parts.append(f"{word} {clock(instant, zone)}")
    return ", ".join(parts) + (f" ({consent.source})" if consent.source else "")


def _attempt(attempt: Attempt, zone: str) -> str:
    return f"{clock(attempt.at, zone)}: {attempt.channel}, campaign {attempt.campaign}"


def _opt_out(one: Dossier, entry: OptOutEntry, zone: str) -> str:
    """With the campaign in whose call the person asked for it, as long as the outcome of that call is there."""
    asked = [f.record for f in one.outcomes if f.record.opt_out == entry.scope and f.record.ended_at <= entry.at]
    call = max(asked, key=lambda outcome: outcome.ended_at, default=None) if entry.source == "call" else None
    where = f"in a call of campaign {call.campaign} to {call.address}" if call else f"by {entry.source}"
    return f"of {'everything' if entry.scope == 'all' else entry.scope}, {clock(entry.at, zone)}, {where}"


def _entry(entry: SuppressionEntry) -> str:
    spoke = ", asked for at this address" if entry.spoke else f", for {entry.contact_id}" if entry.contact_id else ""
    ends = f", until {clock(entry.expires_at, 'UTC')}" if entry.expires_at is not None else ""
    return f"{entry.scope}, {entry.reason.replace('_', ' ')}{spoke}, since {clock(entry.at, 'UTC')}{ends} ({entry.source})"

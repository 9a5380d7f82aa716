"""People, as an import or a CRM publishes them. Topic `contacts`, keyed by the bare contact id."""

from typing import Any

from pydantic import Field

from schemas.base import Wire

#: Fields that templates and agents may use as they use variables.
TEMPLATE_FIELDS = ("first_name", "last_name", "email", "postal_code", "state", "country")


class Contact(Wire):
    """One person, whole: a later record replaces an earlier one. Fields beyond these become variables."""

    id: str = Field(min_length=1, max_length=256, description="the person, by the id that the sender knows them by")
    phone: str | None = Field(default=None, description="as the person writes it; E.164 when the country is not known")
    alt_phones: list[str] = Field(
        default_factory=list,
        json_schema_extra={"default": []},
        description="further numbers, written as phone is: the next is called once one is known to be none",
    )
    email: str | None = Field(default=None, description="for emails, and as a variable; suppressed with the rest")
    first_name: str | None = Field(default=None, description="for templates and agents")
    last_name: str | None = Field(default=None, description="for templates and agents")
    timezone: str | None = Field(default=None, description="IANA zone, stands alone where it is given")
    postal_code: str | None = Field(default=None, description="a lost leading zero of the US is forgiven")
    state: str | None = Field(default=None, description="code or name")
    country: str | None = Field(default=None, description="ISO 3166 alpha-2, how a national phone number and the address are read")
    consent: Any = Field(
        default=None,
        description="none, express or express_written; or records {kind, channel, scope, at, source, expires_at, revoked_at}",
    )
    variables: dict[str, Any] = Field(
        default_factory=dict,
        json_schema_extra={"default": {}},
        description="what else templates and agents may use; other fields of the record count too",
    )

    @property
    def key(self) -> str:
        return self.id

    def all_variables(self) -> dict[str, Any]:
        """Everything a template or an agent may use: names, address facts, declared and further fields."""
        named = {k: v for k in TEMPLATE_FIELDS if (v := getattr(self, k)) is not None}
        if not self.model_extra and not self.variables:
            return named
        return {k: v for k, v in (named | (self.model_extra or {}) | self.variables).items() if v is not None}

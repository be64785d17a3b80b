"""How Kafka's clients prove who they are: given once, and translated for each kind of client here alone."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, CliSuppress, SettingsConfigDict

_LOGIN_MODULES = {
    "SCRAM-SHA-512": "org.apache.kafka.common.security.scram.ScramLoginModule",
    "SCRAM-SHA-256": "org.apache.kafka.common.security.scram.ScramLoginModule",
    "PLAIN": "org.apache.kafka.common.security.plain.PlainLoginModule",
}
_PROVIDER = "org.apache.kafka.common.config.provider.DirectoryConfigProvider"
_PYTHON_NAMES = ("security_protocol", "sasl_mechanism", "sasl_plain_username", "sasl_plain_password", "ssl_cafile")
_UNQUOTABLE = '"\\$\n\r'
"""Characters that a quoted value of a JAAS line cannot hold, or that Kafka would replace in it."""


class KafkaSecurity(BaseSettings):
    """The settings of Kafka's security; those of programs that open clients inherit them.

    A password comes from the environment or, better, from a file: then Java clients read it where they run,
    and neither a job's graph nor its configuration holds it.
    """

    model_config = SettingsConfigDict(env_prefix="TOLLGATE_", frozen=True, extra="ignore", hide_input_in_errors=True)

    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="how Kafka is spoken to"
    )
    kafka_sasl_mechanism: Literal["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"] = Field(
        "SCRAM-SHA-512", description="how the user proves who it is"
    )
    kafka_user: str = Field("", pattern=r'^[^"\\$\r\n]*$', description="the user, for the SASL protocols")
    kafka_password: CliSuppress[SecretStr] = Field(SecretStr(""), description="its password")
    kafka_password_file: Path | None = Field(None, description="a file that holds the password and nothing else")
    kafka_ca_file: Path | None = Field(None, description="PEM certificates to trust, where the system's will not do")

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        wrong = list(_contradictions(self))
        if wrong:
            raise ValueError("; ".join(wrong))
        return self

    @property
    def kafka_python_options(self) -> dict[str, Any]:
        """What a client of kafka-python is opened with."""
        if self.kafka_security_protocol == "PLAINTEXT":
            return {}
        options: dict[str, Any] = {"security_protocol": self.kafka_security_protocol}
        if self.kafka_ca_file is not None:
            options["ssl_cafile"] = str(self.kafka_ca_file)
        if _has_user(self):
            options |= {
                "sasl_mechanism": self.kafka_sasl_mechanism,
                "sasl_plain_username": self.kafka_user,
                "sasl_plain_password": _password(self),
            }
        return options

    @property
    def kafka_java_properties(self) -> dict[str, str]:
        """What a Java client is opened with; of a password file only its place."""
        if self.kafka_security_protocol == "PLAINTEXT":
            return {}
        properties: dict[str, str] = {"security.protocol": self.kafka_security_protocol}
        if self.kafka_ca_file is not None:
            properties |= {"ssl.truststore.type": "PEM", "ssl.truststore.location": str(self.kafka_ca_file.absolute())}
        if _has_user(self):
            properties |= _java_login(self)
        return properties


def python_options(properties: Mapping[str, str]) -> dict[str, str]:
    """Return what of freely named client properties a Python client needs as well, under its names."""
    options = {name.replace(".", "_"): value for name, value in properties.items()}
    return {name: options[name] for name in _PYTHON_NAMES if name in options}


def _has_user(settings: KafkaSecurity) -> bool:
    return settings.kafka_security_protocol.startswith("SASL_")


def _contradictions(settings: KafkaSecurity) -> list[str]:
    """Return what does not fit together, in words that name variables and never values."""
    file, ca_file, wrong = settings.kafka_password_file, settings.kafka_ca_file, []
    given = bool(settings.kafka_password.get_secret_value()) + (file is not None)
    if _has_user(settings) and not settings.kafka_user:
        wrong.append("TOLLGATE_KAFKA_USER is missing, which SASL needs")
    if _has_user(settings) and given != 1:
        wrong.append("set one of TOLLGATE_KAFKA_PASSWORD_FILE and TOLLGATE_KAFKA_PASSWORD")
    if not _has_user(settings) and (given or settings.kafka_user):
        wrong.append("a user needs TOLLGATE_KAFKA_SECURITY_PROTOCOL to be SASL_SSL or SASL_PLAINTEXT")
    if ca_file is not None and not ca_file.is_file():
        wrong.append(f"TOLLGATE_KAFKA_CA_FILE: there is no file {ca_file}")
    try:
        password = _password(settings)
    except (OSError, UnicodeDecodeError):
        wrong.append(f"TOLLGATE_KAFKA_PASSWORD_FILE: {file} is no text file that can be read")
    else:
        if set(password) & set(_UNQUOTABLE):
            wrong.append("the Kafka password holds a quote, backslash, dollar sign or line end (`printf %s` adds none)")
    return wrong


def _password(settings: KafkaSecurity) -> str:
    file = settings.kafka_password_file
    return settings.kafka_password.get_secret_value() if file is None else file.read_text(encoding="utf-8")


def _java_login(settings: KafkaSecurity) -> dict[str, str]:
    file = settings.kafka_password_file
    place = None if file is None else file.absolute()  # not resolved: a mounted secret is a link that is replaced
    password = _password(settings) if place is None else f"${{directory:{place.parent}:{place.name}}}"
    module = _LOGIN_MODULES[settings.kafka_sasl_mechanism]
    login = f'{module} required username="{settings.kafka_user}" password="{password}";'
    provider = {"config.providers": "directory", "config.providers.directory.class": _PROVIDER} if place else {}
    return provider | {"sasl.mechanism": settings.kafka_sasl_mechanism, "sasl.jaas.config": login}

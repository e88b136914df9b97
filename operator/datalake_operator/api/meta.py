"""Ground of all models: how they read a manifest, and the types they share.

Names are snake_case in Python and camelCase in manifests. Like the API server, a model drops unknown fields and takes
no value of another type (no ``"1"`` for 1).
"""

from typing import Annotated, Any, ClassVar, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, GetJsonSchemaHandler, Strict
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from datalake_operator.api.rules import ATOMIC, MAP_BY_NAME, SET, VALIDATIONS, Rule, matching, rule, seconds, transition
from datalake_operator.api.values import (
    DURATION_PATTERN,
    QUANTITY_PATTERN,
    is_int_or_string,
    parse_duration,
    parse_quantity,
    parse_time,
)

__all__ = [
    "ATOMIC",
    "MAP_BY_NAME",
    "SET",
    "Condition",
    "ConfigMapKeyRef",
    "DnsLabel",
    "DnsName",
    "Duration",
    "Items",
    "Model",
    "ObjectMeta",
    "Port",
    "Quantity",
    "SecretKeyRef",
    "SecretRef",
    "Timestamp",
    "matching",
    "parse_duration",
    "parse_quantity",
    "parse_time",
    "rule",
    "seconds",
    "transition",
]

GROUP = "datalake.projectescape.eu"
VERSION = "v1alpha1"

T = TypeVar("T")


class Model(BaseModel):
    """A frozen object of a manifest."""

    model_config = ConfigDict(
        frozen=True,
        strict=True,
        extra="ignore",
        alias_generator=to_camel,
        populate_by_name=True,
        use_attribute_docstrings=True,
        allow_inf_nan=False,
    )

    rules: ClassVar[tuple[Rule, ...]] = ()
    """Rules about the object as a whole."""

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler, /) -> JsonSchemaValue:
        json_schema = handler(schema)
        if cls.rules:
            handler.resolve_ref_schema(json_schema)[VALIDATIONS] = [entry.schema for entry in cls.rules]
        return json_schema


Items: TypeAlias = Annotated[tuple[T, ...], Strict(False)]
"""A list of a manifest, kept as a tuple."""


class _QuantityType:
    """Schema and check of a quantity: a whole number or text with the core pattern."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        def check(value: Any) -> str | int:
            if not is_int_or_string(value):
                raise PydanticCustomError("quantity", "must be a quantity: a whole number or text like 10Gi")
            try:
                parse_quantity(value)
            except ValueError as error:
                raise PydanticCustomError("quantity", "must be a quantity like 10Gi, 500M or 1e9") from error
            return value

        return core_schema.no_info_plain_validator_function(check)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {
            "anyOf": [{"type": "integer"}, {"type": "string"}],
            "pattern": QUANTITY_PATTERN,
            "maxLength": 32,
            "x-kubernetes-int-or-string": True,
        }


Quantity: TypeAlias = Annotated[str | int, _QuantityType()]
"""An amount as Kubernetes writes it (`10Gi`); `parse_quantity` gives the number."""

Duration: TypeAlias = Annotated[str, Field(pattern=DURATION_PATTERN, max_length=32)]
"""A length of time (`90s`, `1h30m`); `parse_duration` gives the timedelta."""


class _TimestampType:
    """Schema and check of a moment as RFC 3339 writes it."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        def check(value: str) -> str:
            try:
                parse_time(value)
            except ValueError as error:
                raise PydanticCustomError("time", "must be a time with its zone, e.g. 2027-01-31T08:00:00Z") from error
            return value

        return core_schema.no_info_after_validator_function(check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"type": "string", "format": "date-time"}


Timestamp: TypeAlias = Annotated[str, _TimestampType()]
"""A moment (`2027-01-31T08:00:00Z`); `parse_time` gives the datetime."""

DnsLabel: TypeAlias = Annotated[
    str,
    Field(min_length=1, max_length=63),
    matching("[a-z0-9]([-a-z0-9]*[a-z0-9])?", "must be a DNS label", mend="use lower-case letters, digits and '-'"),
]
"""RFC 1123 label."""

DnsName: TypeAlias = Annotated[
    str,
    Field(min_length=1, max_length=253),
    matching(
        r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*",
        "must be a DNS name",
        mend="use lower-case letters, digits, '-' and '.'",
    ),
]
"""RFC 1123 subdomain: names of Secrets, ConfigMaps, claims, classes, and hosts."""

Host: TypeAlias = Annotated[
    str,
    Field(min_length=1, max_length=253),
    matching(
        r"[A-Za-z0-9]([-A-Za-z0-9.]*[A-Za-z0-9])?|[0-9A-Fa-f]*:[0-9A-Fa-f:.]*",
        "must be a host name or an IP address",
        mend="write it without scheme, brackets and port",
    ),
]
"""A host to connect to."""

Port: TypeAlias = Annotated[int, Field(ge=1, le=65535)]
"""A TCP or UDP port."""

DataKey: TypeAlias = Annotated[
    str,
    Field(min_length=1, max_length=253),
    matching("[-._A-Za-z0-9]+", "must be a key of a Secret or ConfigMap", mend="use letters, digits, '-', '_' and '.'"),
]
"""Key of the data of a Secret or a ConfigMap."""


class ObjectMeta(Model):
    """What we read of an object's metadata."""

    name: str
    namespace: str | None = None
    uid: str | None = None
    generation: int | None = None
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}


class SecretRef(Model):
    """A Secret of the same namespace."""

    name: DnsName
    """Name of the Secret."""


class SecretKeyRef(Model):
    """One key of a Secret of the same namespace."""

    name: DnsName
    """Name of the Secret."""
    key: DataKey
    """Key in its data."""


class ConfigMapKeyRef(Model):
    """One key of a ConfigMap of the same namespace."""

    name: DnsName
    """Name of the ConfigMap."""
    key: DataKey
    """Key in its data."""


class LocalRef(Model):
    """An object of the same namespace."""

    name: DnsName
    """Its name."""


class Condition(Model):
    """metav1.Condition."""

    type: Annotated[str, Field(max_length=316)]
    """What is judged."""
    status: Annotated[str, Field(json_schema_extra={"enum": ["True", "False", "Unknown"]})]
    """True, False or Unknown."""
    observed_generation: Annotated[int, Field(ge=0)] | None = None
    """The generation of the resource that was judged."""
    last_transition_time: Timestamp
    """When status last changed."""
    reason: Annotated[str, Field(min_length=1, max_length=1024)]
    """One word for programs; docs/conditions.md lists them all."""
    message: Annotated[str, Field(max_length=32768)]
    """One sentence for people: what is the matter and what to do."""

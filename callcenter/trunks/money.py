"""Amounts of money: decimal text where people and scripts write them, whole ten-thousandths in the table."""

import re
from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, Field

from callcenter.errors import BadValue

PARTS = 10_000  # of one unit of the carrier's currency
MOST = 100_000  # units: a column holds 2**31 ten-thousandths
_PATTERN = r"^[0-9]{1,6}(\.[0-9]{1,4})?$"


def parts(text: str) -> int:
    """Return the ten-thousandths an amount is; raises BadValue."""
    if not re.fullmatch(_PATTERN, text, re.ASCII) or text.endswith("\n"):
        raise BadValue("{value} is not an amount like 0.05: digits, and at most four after the point.", value=text[:40])
    amount = int(Decimal(text) * PARTS)
    if amount > MOST * PARTS:
        raise BadValue("{value} is too much: at most {most}.", value=text, most=str(MOST))
    return amount


def written(amount: int) -> str:
    """Return ten-thousandths as text, two places at least when there are any: 0, 5, 12.50, 0.0130 as 0.013."""
    whole, rest = divmod(amount, PARTS)
    if not rest:
        return str(whole)
    return f"{whole}.{f'{rest:04}'.rstrip('0').ljust(2, '0')}"


def _canonical(text: str) -> str:
    return written(parts(text.strip()))


Amount = Annotated[str, Field(max_length=20, json_schema_extra={"pattern": _PATTERN}), AfterValidator(_canonical)]

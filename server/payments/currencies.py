"""In which units the provider states amounts, as assets of the ledger. Pure (reference b.2.1 S15).

Stripe states every amount as an integer of the currency's smallest unit. The asset says how small that is, so amounts
pass unchanged. ISK and UGX have no decimals in ISO 4217 but are stated in hundredths; they are not in the first table.
"""

from __future__ import annotations

import re

ZERO_DECIMAL = frozenset(
    {"BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF"}
)
THREE_DECIMAL = frozenset({"BHD", "JOD", "KWD", "OMR", "TND"})

_CURRENCY = re.compile(r"[a-z]{3}", re.ASCII)


def asset_of(currency: str) -> str:
    """Return the asset of a provider's currency code: `usd` → `USD/2`, `jpy` → `JPY`, `kwd` → `KWD/3`.

    Raises ValueError for anything but three lower-case letters.
    """
    if not _CURRENCY.fullmatch(currency):
        message = f"{currency[:16]!r} is not a currency code"
        raise ValueError(message)
    code = currency.upper()
    if code in ZERO_DECIMAL:
        return code
    return f"{code}/3" if code in THREE_DECIMAL else f"{code}/2"

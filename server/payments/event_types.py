"""Which of the provider's event types never move money. Pure data (reference b.2.2).

Everything that stands neither here nor in `translate` is taken for money until somebody looks at it: it is kept sealed,
counted and shown. A type is listed by its full name or, ending in a dot, with all that begins so.
"""

from __future__ import annotations

NEVER_MONEY = (
    "account.",
    "billing.",
    "billing_portal.",
    "capability.",
    "charge.expired",
    "charge.failed",
    "charge.pending",
    "checkout.session.",
    "coupon.",
    "customer.",
    "entitlements.",
    "file.",
    "invoice.created",
    "invoice.deleted",
    "invoice.finalization_failed",
    "invoice.finalized",
    "invoice.marked_uncollectible",
    "invoice.payment_action_required",
    "invoice.payment_failed",
    "invoice.sent",
    "invoice.upcoming",
    "invoice.updated",
    "invoice.voided",
    "invoice.will_be_due",
    "invoiceitem.",
    "mandate.",
    "payment_intent.amount_capturable_updated",
    "payment_intent.canceled",
    "payment_intent.created",
    "payment_intent.payment_failed",
    "payment_intent.processing",
    "payment_intent.requires_action",
    "payment_link.",
    "payment_method.",
    "person.",
    "plan.",
    "price.",
    "product.",
    "promotion_code.",
    "quote.",
    "radar.",
    "reporting.",
    "review.",
    "setup_intent.",
    "subscription_schedule.",
    "tax.",
    "tax_rate.",
    "terminal.",
    "test_helpers.",
    "v2.core.",
)


_FAMILIES = tuple(name for name in NEVER_MONEY if name.endswith("."))
_NAMES = frozenset(NEVER_MONEY)


def is_never_money(event_type: str) -> bool:
    """Whether notices of this type can be set aside for good."""
    return event_type in _NAMES or event_type.startswith(_FAMILIES)

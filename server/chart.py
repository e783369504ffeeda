"""The charts of accounts and the funds that a new deployment starts with. Pure data.

`books`: reference/product.md f.2, the accounts that today's events use. `public`: reference/attacks.md C4.
Accounts are added by `ledger.account.declared.v1` events when a slice needs them; nothing here is read after genesis.
"""

from __future__ import annotations

from collections.abc import Mapping

from ledger.genesis import Account, Fund
from ledger.guards import Guard
from ledger.types import LogName

BOOKS_ACCOUNTS = (
    Account("assets:stripe:pending", "debit", "Card processor, not yet available", "1010"),
    Account("assets:stripe:available", "debit", "Card processor, available", "1011"),
    Account("assets:bank", "debit", "Bank", "1020"),
    Account("assets:stripe:disputed", "debit", "Card processor, held back while a payment is disputed", "1080"),
    Account("assets:suspense", "debit", "Money whose purpose is not known yet", "1090"),
    Account("assets:float:help", "debit", "Set aside for help to people", "1110"),
    Account("assets:float:reversals", "debit", "Set aside for refunds and disputes", "1120"),
    Account("income:gifts:unrestricted", "credit", "Gifts for any purpose", "4010"),
    Account("income:gifts:restricted", "credit", "Gifts for one purpose", "4020"),
    Account("income:gifts_returned", "debit", "Gifts returned", "4120"),
    Account("expenses:help:rent", "debit", "Help with rent", "5010"),
    Account("expenses:help:transport", "debit", "Help with transport", "5011"),
    Account("expenses:help:tech", "debit", "Help with technology", "5012"),
    Account("expenses:fees:processing", "debit", "Card processing fees", "5030"),
    Account("expenses:equipment", "debit", "House and equipment", "5110"),
    Account("expenses:payroll", "debit", "Payroll", "5120"),
    Account("expenses:services", "debit", "Services and fees", "5130"),
    Account("equity:interfund", "credit", "Moved between funds"),
)

PUBLIC_ACCOUNTS = (
    Account("assets:cash", "debit", "Cash"),
    Account("assets:disputed", "debit", "Held back while a payment is disputed"),
    Account("assets:due_from_funds", "debit", "Advanced to funds"),
    Account("assets:float:help", "debit", "Set aside for help to people"),
    Account("assets:float:reversals", "debit", "Set aside for refunds and disputes"),
    Account("assets:unexplained", "debit", "Not explained yet"),
    Account("equity:exchange", "credit", "Changed between currencies"),
    Account("equity:interfund", "credit", "Moved between funds"),
    Account("expenses:equipment", "debit", "House and equipment"),
    Account("expenses:help:mixed", "debit", "Help of several kinds"),
    Account("expenses:help:rent", "debit", "Help with rent"),
    Account("expenses:help:tech", "debit", "Help with technology"),
    Account("expenses:help:transport", "debit", "Help with transport"),
    Account("expenses:payroll", "debit", "Payroll"),
    Account("expenses:processing", "debit", "Card processing fees"),
    Account("expenses:services", "debit", "Services and fees"),
    Account("income:gifts", "credit", "Gifts received"),
    Account("income:gifts_returned", "debit", "Gifts returned"),
    Account("liabilities:accrued_fees", "credit", "Fees owed to the card processor"),
    Account("liabilities:due_to_general", "credit", "Advanced by the general fund"),
    Account("liabilities:vendors", "credit", "Owed to vendors"),
)

ACCOUNTS: Mapping[LogName, tuple[Account, ...]] = {"books": BOOKS_ACCOUNTS, "audit": (), "public": PUBLIC_ACCOUNTS}

FUNDS = (
    Fund("general", "unrestricted", "Wherever it is needed most"),
    Fund("rent", "restricted", "Rent"),
    Fund("transport", "restricted", "Transport"),
    Fund("tech", "restricted", "Technology"),
)

# Sums that may not fall below zero (attacks C1). They refuse decisions; facts always book.
PUBLIC_GUARDS = (
    Guard("spendable", ("assets:cash", "liabilities:accrued_fees", "liabilities:due_to_general"), "fund", 1),
    Guard("float_help", ("assets:float:help", "liabilities:vendors"), "fund", 1),
)
BOOKS_GUARDS = (
    Guard("spendable", ("assets:stripe:available", "assets:stripe:pending"), "fund", 1),
    Guard("held", ("assets:bank", "assets:stripe:available", "assets:stripe:pending"), "fund", 1),
    Guard("float_help", ("assets:float:help",), "fund", 1),
)

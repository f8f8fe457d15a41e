"""Errors, grouped by what a person or the scheduler should do next.

UnitledgerError
├── ConfigError      a person must change the configuration; never retried
├── FetchError       the network or the vendor failed; safe to retry
├── ContractError    the vendor sent something new or broken: that source and period stop,
│                    the last good state stays, the reconciliation shows it
└── LakeLockedError  another run holds the lake; wait for it or stop it

The message of each is one sentence that names the file, the column, the value and what is allowed.
"""


class UnitledgerError(Exception):
    """Base of every error that is shown to the user as one sentence, without a traceback."""


class ConfigError(UnitledgerError):
    """The configuration is wrong: a person must change it."""


class FetchError(UnitledgerError):
    """A delivery could not be fetched; trying again later may succeed."""


class ContractError(UnitledgerError):
    """A delivery is not what the connector knows how to read."""


class LakeLockedError(UnitledgerError):
    """Another run is writing to the lake."""

"""The :class:`Ledger` of a router: the accounts of its standing budgets, and of the budgets that are open around a call."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextvars import ContextVar
from types import TracebackType
from typing import ParamSpec, TypeVar

from routed_llm.errors import ConfigurationError
from routed_llm.money import NANO, dollars
from routed_llm.requests import Ask
from routed_llm.standing import Standing
from routed_llm.state.accounts import Account, standings
from routed_llm.state.around import bound, entered, left
from routed_llm.state.budgets import Budget

__all__ = ["BudgetBlock", "Ledger"]

P = ParamSpec("P")
R = TypeVar("R")

_open: ContextVar[tuple[BudgetBlock, ...]] = ContextVar("routed_llm_budgets", default=())

#: accounts that are kept of one budget; beyond it the oldest without a call under way is forgotten
MOST_ACCOUNTS = 100_000
#: how many are looked at to find one without a call under way
_LOOK_AT = 64


class Ledger:
    """Accounts of one router.

    Args:
        budgets: the standing ones.
        account: makes an account of one of them.

    Raises:
        ConfigurationError: for what is no budget, and for two of one name.
    """

    __slots__ = ("_account_of", "_accounts", "budgets")

    def __init__(self, budgets: Iterable[Budget] = (), account: Callable[[Budget, str], Account] = Account) -> None:
        self.budgets = tuple(budgets)
        self._account_of = account
        self._accounts: dict[str, dict[str | None, Account]] = {}
        for number, budget in enumerate(self.budgets):
            if not isinstance(budget, Budget):
                raise ConfigurationError(f"must be a Budget, not {budget!r}.", path=f"budgets[{number}]")
            if budget.name in self._accounts:
                raise ConfigurationError(f"two budgets are named {budget.name!r}: give one a name.", path=f"budgets[{number}]")
            self._accounts[budget.name] = {}

    def accounts(self, ask: Ask) -> Sequence[Account]:
        """The accounts to which a call falls, those of open blocks included."""
        found = [self._account(budget, owner) for budget in self.budgets for owner in budget.owners(ask)]
        found.extend(block._account for block in dict.fromkeys(_open.get()) if block._ledger is self)
        return found

    def standings(self, ask: Ask) -> tuple[Standing, ...]:
        """How the accounts of a call stand."""
        accounts = self.accounts(ask)
        return standings(accounts, ask.wall) if accounts else ()

    def all(self, wall: float) -> tuple[Standing, ...]:
        """How every account stands; a budget of which nothing was used yet stands with an empty account."""
        found: list[Account] = []
        for budget in self.budgets:
            found.extend(list(self._accounts[budget.name].values()) or [self._account_of(budget, "")])
        found.extend(block._account for block in dict.fromkeys(_open.get()) if block._ledger is self)
        return standings(found, wall)

    def block(self, budget: Budget, clock: Callable[[], float]) -> BudgetBlock:
        """A budget for the calls inside a ``with`` block; ``clock`` gives the time of day."""
        return BudgetBlock(self, budget, clock)

    def _account(self, budget: Budget, owner: str | None) -> Account:
        accounts = self._accounts[budget.name]
        account = accounts.get(owner)
        if account is None:
            if len(accounts) >= MOST_ACCOUNTS:
                self._forget_one(accounts)
            account = accounts.setdefault(owner, self._account_of(budget, budget.whose(owner)))
        return account

    @staticmethod
    def _forget_one(accounts: dict[str | None, Account]) -> None:
        for owner, account in list(accounts.items())[:_LOOK_AT]:
            if not any(account.held):
                accounts.pop(owner, None)
                return


class BudgetBlock:
    """A budget for the calls of one router that are made inside its ``with`` block, across tasks and threads.

    Works as ``with`` in sync and async code, and as ``async with``. Entering it again goes on with what is left. Blocks nest:
    a call must fit each of them. For bare threads there is :meth:`bind`.
    """

    __slots__ = ("_account", "_clock", "_ledger")

    def __init__(self, ledger: Ledger, budget: Budget, clock: Callable[[], float]) -> None:
        self._ledger = ledger
        self._account = Account(budget)
        self._clock = clock

    @property
    def standing(self) -> Standing:
        """How it stands now."""
        return standings((self._account,), self._clock())[0]

    @property
    def spent_usd(self) -> float:
        """US dollars that its ended calls cost, for reading; the exact figure is ``standing.spent[0]`` in nano-dollars."""
        return self.standing.spent[0] / NANO

    @property
    def left_usd(self) -> float | None:
        """US dollars that are left, with what calls under way hold taken off; None where money is not limited."""
        left = self.standing.left(0)
        return None if left is None else left / NANO

    @property
    def tokens(self) -> int:
        """Tokens that its ended calls used."""
        return self.standing.spent[1]

    @property
    def calls(self) -> int:
        """Calls to providers that have ended."""
        return self.standing.spent[2]

    def __enter__(self) -> BudgetBlock:
        entered(_open, self)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        left(_open, self)

    async def __aenter__(self) -> BudgetBlock:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        left(_open, self)

    def bind(self, function: Callable[P, R]) -> Callable[P, R]:
        """``function``, under this budget (and every one open now) wherever it runs: ``pool.submit(budget.bind(work))``.

        Raises:
            InvalidCall: for a generator function, whose body runs in the hands of whoever reads it.
        """
        return bound(_open, (*_open.get(), self), function)

    def __repr__(self) -> str:
        spent = self.standing.spent
        return f"<{self._account.budget.name}: {dollars(spent[0])}, {spent[1]:,} tokens, {spent[2]:,} calls spent>"

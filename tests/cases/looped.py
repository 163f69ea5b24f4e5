"""Many small cases in one test. A test of its own costs 6 ms in two processes, more than such a case."""

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any


def looped(names: str | tuple[str, ...], cases: Sequence[Any]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """As `pytest.mark.parametrize`, in one test: it ends at the first case that fails, which a note names."""
    keys = (names,) if isinstance(names, str) else names
    assert cases, "without a case the test would pass"

    def decorate(test: Callable[..., None]) -> Callable[..., None]:
        signature = inspect.signature(test)

        @functools.wraps(test)
        def all_cases(**others: Any) -> None:
            for case in cases:
                values = dict(zip(keys, (case,) if isinstance(names, str) else case, strict=True))
                try:
                    test(**others, **values)
                except BaseException as error:
                    error.add_note(f"in the case {values}")
                    raise

        rest = [parameter for name, parameter in signature.parameters.items() if name not in keys]
        all_cases.__signature__ = signature.replace(parameters=rest)  # type: ignore[attr-defined]
        return all_cases

    return decorate

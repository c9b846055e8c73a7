"""One thread for matrix products inside a verb, and what was there before after it."""

from __future__ import annotations

import inspect
import pkgutil
import threading
from importlib import import_module

import pytest
from threadpoolctl import threadpool_info, threadpool_limits

import workbench as wb
from tests.planted import planted
from workbench.threads import on_one_thread, one_thread

FITTED = {
    "align", "attribute", "bootstrap", "concordance", "contrast", "decompose", "disagreements",
    "dissect", "generation", "length_control", "missing_verdicts", "most_wrong",
    "pool_scenarios", "rate", "report", "screen", "similarity", "audit_judge", "judge_board",
    "observe", "correct_rates", "drift", "family_preference", "susceptibility", "extract",
}  # fmt: skip


def blas_threads() -> set[int]:
    return {lib["num_threads"] for lib in threadpool_info() if lib["user_api"] == "blas"}


@pytest.fixture(autouse=True)
def two_threads():
    # it brings a BLAS of its own
    import_module("scipy.linalg")
    with threadpool_limits(limits=2, user_api="blas"):
        if blas_threads() != {2}:
            pytest.skip("this BLAS does not run on two threads")
        yield


@on_one_thread
def seen() -> set[int]:
    return blas_threads()


@on_one_thread
def seen_inside_another() -> tuple[set[int], set[int]]:
    return seen(), blas_threads()


def test_the_cap_is_on_inside_a_verb_and_gone_after() -> None:
    assert seen() == {1}
    assert blas_threads() == {2}


def test_a_verb_within_a_verb_does_not_lift_it() -> None:
    assert seen_inside_another() == ({1}, {1})
    assert blas_threads() == {2}


def test_an_error_lifts_it() -> None:
    @on_one_thread
    def fails() -> None:
        raise KeyError("no")

    with pytest.raises(KeyError, match="no"):
        fails()
    assert blas_threads() == {2}


def test_of_two_that_overlap_the_last_lifts_it() -> None:
    first_in, second_in, out, leave, end = (threading.Event() for _ in range(5))

    def first() -> None:
        with one_thread():
            first_in.set()
            second_in.wait(10)
        out.set()
        end.wait(10)

    def second() -> None:
        first_in.wait(10)
        with one_thread():
            second_in.set()
            leave.wait(10)

    threads = [threading.Thread(target=run) for run in (first, second)]
    for thread in threads:
        thread.start()
    second_in.wait(10)
    out.wait(10)
    assert blas_threads() == {1}
    leave.set()
    # the first has left, and lives on
    threads[1].join(10)
    assert blas_threads() == {2}
    end.set()
    threads[0].join(10)


def test_a_real_fit_runs_on_one(monkeypatch: pytest.MonkeyPatch) -> None:
    module = import_module("workbench.decompose.decomposition")
    inside: list[set[int]] = []
    real = module.fit_groups

    def watched(*arguments: object) -> object:
        inside.append(blas_threads())
        return real(*arguments)

    monkeypatch.setattr(module, "fit_groups", watched)
    wb.decompose(planted({"people": [0.5]}, n=60), folds=0)
    assert inside == [{1}]
    assert blas_threads() == {2}


def test_every_public_verb_that_computes_has_the_cap() -> None:
    verbs = {name: getattr(wb, name) for name in FITTED}
    free = {name for name, verb in verbs.items() if not hasattr(verb, "__wrapped__")}
    assert free == set()
    # what a verb is called with, and what it says of itself, stay its own
    assert "annotator" in inspect.signature(wb.decompose).parameters
    assert "Examples" in (wb.decompose.__doc__ or "")


@pytest.mark.parametrize("room", ["principles.measure", "audit.models"])
def test_verbs_of_the_audits_have_it_too(room: str) -> None:
    package = import_module(f"workbench.{room}")
    capped = {
        name
        for part in pkgutil.iter_modules(package.__path__)
        for name, found in vars(import_module(f"workbench.{room}.{part.name}")).items()
        if inspect.isfunction(found) and hasattr(found, "__wrapped__")
    }
    wanted = {
        "principles.measure": {"measure", "redundancy", "cross_apply", "contrast_groups"},
        "audit.models": {"audit_scores", "audit_rewards", "calibration", "ranking_accuracy"},
    }
    assert wanted[room] <= capped

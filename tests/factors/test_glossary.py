"""Every factor is explained, and the numbers of its example are those that it gives."""

from __future__ import annotations

import pytest

from workbench.factors import AGENT, STYLE, step_values, text_values
from workbench.factors.glossary import EXAMPLES, glossary


def test_every_factor_of_the_catalogue_has_a_sentence_and_an_example():
    table = glossary()
    assert table["factor"].tolist() == [spec.name for spec in (*STYLE, *AGENT)]
    assert set(EXAMPLES) == set(table["factor"])
    assert table["meaning"].str.endswith((".", "...")).all()


@pytest.mark.parametrize("name", list(EXAMPLES))
def test_the_numbers_of_an_example_are_those_of_the_factor(name):
    shown = EXAMPLES[name]
    prompts = [shown.prompt] * 2 if shown.prompt else None
    if name in {spec.name for spec in AGENT}:
        said = [[{"role": "assistant", "content": text}] for text in (shown.a, shown.b)]
        values = step_values(said, names=[name])[name]
    else:
        values = text_values([shown.a, shown.b], prompts, names=[name])[name]
    assert values.tolist() == pytest.approx([shown.value_a, shown.value_b], abs=5e-5)
    # an example on which the factor says nothing would explain nothing
    assert shown.value_a != shown.value_b
    assert max(len(shown.a), len(shown.b), len(shown.prompt)) < 60

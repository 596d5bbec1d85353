"""One equation in four languages, each read by an independent reader of that language."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vizkit.errors import ArgumentError
from vizkit.views import equation as eq
from vizkit.views.formula import to_mathml, to_mathtext, to_plain, to_typst
from vizkit.views.text import quantity

CHAIN = eq.equation(
    eq.derivative("SSR", "b_3"), "=", eq.Sum("i"), eq.literal(-2), ".", eq.Paren(eq.row("y_i", "-", "^y_i")), "=",
    eq.Term(eq.Value(quantity("slope", -15.66)), "gradient"), "+", eq.Power(eq.symbol("x"), eq.literal(2)), "~",
    eq.Group(eq.Function("softplus", eq.symbol("x'")), "height"),
)  # fmt: skip

names = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn", "Co", "Z", "M"]), min_size=1, max_size=8
)


def test_plain_text_reads_as_one_line() -> None:
    assert to_plain(CHAIN) == "d SSR / d b₃ = Σᵢ −2 · (yᵢ − ŷᵢ) = −15.66 + x^2 ≈ softplus(x′)"
    assert CHAIN.quantities() == {"slope": -15.66}


def test_mathtext_is_set_by_matplotlib() -> None:
    mathtext = pytest.importorskip("matplotlib.mathtext")
    width, height, *_ = mathtext.MathTextParser("path").parse(to_mathtext(CHAIN))
    assert width > 100 and height > 10


def test_typst_compiles() -> None:
    typst = pytest.importorskip("typst")
    page = f"#set page(width: auto, height: auto)\n$ {to_typst(CHAIN)} $"
    assert typst.compile(page.encode(), format="svg").startswith(b"<svg")


def test_mathml_is_well_formed_and_names_its_numbers() -> None:
    root = ElementTree.fromstring(to_mathml(CHAIN))
    numbers = {node.get("data-quantity"): node.text for node in root.iter("mn") if node.get("data-quantity")}
    assert numbers == {"slope": "−15.66"}


@given(names)
def test_any_name_survives_mathml(name: str) -> None:
    root = ElementTree.fromstring(to_mathml(eq.equation(eq.Symbol(name))))
    assert root.find(".//mi").text == name


@given(names)
def test_any_name_is_set_by_matplotlib(name: str) -> None:
    mathtext = pytest.importorskip("matplotlib.mathtext")
    mathtext.MathTextParser("path").parse(to_mathtext(eq.Symbol(name, name)))


@pytest.mark.parametrize("name", ['a"b', "a\\b", "$x", "#panic()", "{", "*/", "//", "_", "]"])
def test_hostile_names_are_text_to_typst(name: str) -> None:
    typst = pytest.importorskip("typst")
    page = f"#set page(width: auto, height: auto)\n$ {to_typst(eq.Symbol(name, name))} $"
    drawn = typst.compile(page.encode(), format="svg").count(b"<use ")
    assert drawn == 2 * len(name), "each character of the name, and again of the index, is a glyph"


def test_unknown_operators_and_empty_symbols_are_refused() -> None:
    with pytest.raises(ArgumentError, match="'%'"):
        eq.Op("%")
    with pytest.raises(ArgumentError, match="name"):
        eq.symbol("_3")


def test_one_name_stands_for_one_number() -> None:
    same = eq.Value(quantity("a", 1.0))
    assert eq.equation(same, "+", same).quantities() == {"a": 1.0}
    with pytest.raises(ArgumentError, match=r"'a' is both 1\.0 and 2\.0"):
        eq.equation(same, "+", eq.Value(quantity("a", 2.0)))

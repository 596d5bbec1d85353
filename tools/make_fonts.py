#!/usr/bin/env python3
"""Make vizkit's bundled fonts from Inter (variable) and STIXMath.

usage: make_fonts.py INTER_VARIABLE.ttf STIXMath-Regular.otf OUTPUT_DIR

Both sources are under the SIL Open Font License 1.1, which asks that changed versions
carry another name: hence "Vizkit Sans" and "Vizkit Math". The changes: static instances
of Inter at weights 400 and 600 with figures of equal width as the default (columns of
numbers align, and a counting number does not tremble), and subsets of both to the
characters that lessons use. Needs fonttools.
"""

from __future__ import annotations

import sys
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont
from fontTools.varLib import instancer

TEXT = [*range(0x20, 0x250), *range(0x2B0, 0x370), *range(0x370, 0x400), *range(0x400, 0x460)]
TEXT += [*range(0x1E00, 0x1F00), *range(0x2000, 0x2070), *range(0x2070, 0x20A0), 0x20AC, 0x2122, 0x2202, 0x2206]
TEXT += [*range(0x2190, 0x21A0), 0x2211, 0x2212, 0x221A, 0x221E, 0x2248, 0x2260, 0x2264, 0x2265, 0x22C5, 0x25CF, 0x2713]
MATH = [*range(0x20, 0x7F), 0xA0, 0xB1, 0xB7, 0xD7, *range(0x300, 0x340), *range(0x370, 0x400)]
MATH += [*range(0x2010, 0x2040), *range(0x2070, 0x20A0), *range(0x2100, 0x2150), *range(0x2190, 0x21B0)]
MATH += [*range(0x2200, 0x2300), *range(0x2320, 0x2322), *range(0x239B, 0x23B8), *range(0x27E6, 0x27EC)]
MATH += [*range(0x1D400, 0x1D800)]


def rename(font: TTFont, family: str, style: str) -> None:
    """Give the font a name of its own in every name record that shows one."""
    names = {
        1: family if style == "Regular" else f"{family} {style}",
        2: "Regular",
        3: f"{family} {style}",
        4: f"{family} {style}",
        6: f"{family}-{style}".replace(" ", ""),
        16: family,
        17: style,
    }
    table = font["name"]
    for record in list(table.names):
        if record.nameID in names or record.nameID > 17:
            table.removeNames(nameID=record.nameID)
    for name_id, text in names.items():
        table.setName(text, name_id, 3, 1, 0x409)
        table.setName(text, name_id, 1, 0, 0)


def tabular_figures(font: TTFont) -> None:
    """Map the digits to the glyphs of equal width (the font's own tnum substitution)."""
    gsub = font["GSUB"].table
    lookups = {i for f in gsub.FeatureList.FeatureRecord if f.FeatureTag == "tnum" for i in f.Feature.LookupListIndex}
    swap: dict[str, str] = {}
    for index in lookups:
        for table in gsub.LookupList.Lookup[index].SubTable:
            table = getattr(table, "ExtSubTable", table)
            swap.update(getattr(table, "mapping", {}))
    for cmap in font["cmap"].tables:
        for code, glyph in list(cmap.cmap.items()):
            if code in range(0x30, 0x3A) or code in (0x2B, 0x2212):
                cmap.cmap[code] = swap.get(glyph, glyph)


def reduce(font: TTFont, codes: list[int], features: list[str]) -> TTFont:
    options = subset.Options(layout_features=features, name_IDs=["*"], notdef_outline=True, hinting=False)
    options.recalc_timestamp = False
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=codes)
    subsetter.subset(font)
    return font


def main(inter: str, stix: str, output: str) -> None:
    folder = Path(output)
    folder.mkdir(parents=True, exist_ok=True)
    for style, weight in (("Regular", 400), ("SemiBold", 600)):
        font = instancer.instantiateVariableFont(TTFont(inter, recalcTimestamp=False), {"wght": weight, "opsz": 18})
        tabular_figures(font)
        font = reduce(font, TEXT, ["kern", "mark", "mkmk", "ccmp", "locl"])
        rename(font, "Vizkit Sans", style)
        font["OS/2"].usWeightClass = weight
        font.save(folder / f"VizkitSans-{style}.ttf")
    font = reduce(TTFont(stix, recalcTimestamp=False), MATH, ["*"])
    rename(font, "Vizkit Math", "Regular")
    if "CFF " in font:
        font["CFF "].cff.fontNames = ["VizkitMath-Regular"]
        top = font["CFF "].cff.topDictIndex[0]
        top.FullName, top.FamilyName = "Vizkit Math Regular", "Vizkit Math"
    font.save(folder / "VizkitMath-Regular.otf")


if __name__ == "__main__":
    main(*sys.argv[1:])

"""Writes the font of the dashboard into this folder: subset.py InterVariable.woff2

Needs fonttools and brotli. The same input gives the same bytes.
"""

import hashlib
import sys
from pathlib import Path

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont
from fontTools.varLib.instancer import instantiateVariableFont

# Basic Latin, Latin-1 and Latin Extended-A, Romanian letters, the capital sharp s.
RANGES = [(0x20, 0x7E), (0xA0, 0x17F), (0x218, 0x21B), (0x1E9E, 0x1E9E)]
# Punctuation, currency, arrows, signs, spaces.
SIGNS = "ƒˆˇ˘˙˚˛˜˝–—‘’‚“”„†‡•…‰′″‹›⁄€₂№™←↑→↓↗↘↔↵⇧⌘−×÷≈≠≤≥∞∆●○◆✓✗\u2009\u200a\u202f\u2011"
# Forms in place of the default ones: digits and signs of one width, and an `l` and an `I` that are not mistaken for
# each other or for `1`.
FORMS = [("tnum", "0123456789+−"), ("cv05", "l"), ("cv08", "I")]
# Without `calt`, which would show `->` in a file's name as an arrow.
FEATURES = ["kern", "ccmp", "locl", "mark"]


def forms_of(font: TTFont, feature: str) -> dict[str, str]:
    """The glyphs that a feature puts in the place of others."""
    table = font["GSUB"].table
    forms = {}
    for record in table.FeatureList.FeatureRecord:
        if record.FeatureTag == feature:
            for index in record.Feature.LookupListIndex:
                for part in table.LookupList.Lookup[index].SubTable:
                    forms |= getattr(getattr(part, "ExtSubTable", part), "mapping", {})
    return forms


font = TTFont(sys.argv[1], recalcTimestamp=False)
glyphs = dict(font.getBestCmap())
for feature, characters in FORMS:
    forms = forms_of(font, feature)
    for character in characters:
        for table in font["cmap"].tables:
            if ord(character) in table.cmap:
                table.cmap[ord(character)] = forms[glyphs[ord(character)]]

options = Options(layout_features=FEATURES, hinting=False, notdef_outline=True, name_IDs=[0, 1, 2, 3, 4, 5, 6, 13, 14])
options.drop_tables += ["MVAR", "STAT"]
subsetter = Subsetter(options)
subsetter.populate(unicodes=[code for first, last in RANGES for code in range(first, last + 1)], text=SIGNS)
subsetter.subset(font)
font = instantiateVariableFont(font, {"opsz": 14, "wght": (400, 700)})
font.flavor = "woff2"

folder = Path(__file__).parent
written = folder / "inter.woff2"
font.save(written)
digest = hashlib.sha256(written.read_bytes()).hexdigest()
written.rename(folder / f"inter-{digest[:16]}.woff2")

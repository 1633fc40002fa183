"""What writes the made parts of docs/: tables and lists that the code knows better than any page.

A made part stands in its page between two marks, `<!-- made: NAME -->` and `<!-- end of NAME -->`; everything around them is
written by hand. `script/docs` writes the parts anew, and `script/docs --check` fails when one is not current.
"""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PACKAGE = ROOT / "plugins" / "intacct_asana"

"""Objects and books that the tests of other rooms made are at hand here, too."""

import sys
from pathlib import Path

for room in ("llama_index", "providers"):
    sys.path.append(str(Path(__file__).parents[1] / room))

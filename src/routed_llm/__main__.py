"""``python -m routed_llm`` is the command ``routed-llm``."""

from __future__ import annotations

from routed_llm.cli.main import main

if __name__ == "__main__":
    main(prog_name="routed-llm")

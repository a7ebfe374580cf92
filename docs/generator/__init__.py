"""What ``docs/generate.py`` is made of: ``docstrings`` reads one, ``api`` makes pages, ``tables`` makes tables."""

"""The benchmark suite: ``python -m bench --help``.

A row (``rows.py``) is a piece of work of one kind (``training.py``, ``product.py``, ``update.py``); a peer (``peers/``)
knows how to do it. Each peer has a process of its own (``process.py``, ``worker.py``); ``measure.py`` interleaves
their turns and ``report.py`` writes down what came out, in the words of ``groups.py``. A new case is a line in
``rows.py``; a new kind is a class, a line in ``groups.py`` and one module in each peer that can do it.
"""

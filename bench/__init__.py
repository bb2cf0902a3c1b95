"""The benchmark suite: ``python -m bench --help``.

A row (``rows.py``) is a piece of work of one kind, end to end (``training.py``, ``scaling.py``, ``models.py``,
``predict.py``, ``call.py``) or a part of it (``product.py``, ``kernel.py``, ``update.py``); a peer (``peers/``) knows
how to do it. Each has a process of its own (``process.py``, ``worker.py``), held to one instruction set (``isa.py``);
``threads.py`` is fastopt against itself with other numbers of threads. ``run.py`` goes through the rows; ``measure.py``
checks the peers, by what NumPy gets in float64 (``truth.py``), and interleaves their turns. ``interval.py`` says how
sure a ratio is, ``summary.py`` what all of them come to and ``noise.py`` whether to believe it; ``package.py`` weighs
the libraries. ``tables.py`` makes that a report in parts, in the words of ``groups.py``, and ``text.py``,
``markdown.py`` and ``html.py`` draw it. A new case is a line in ``rows.py``; a new kind is a class, a line in
``groups.py`` and one module in each peer that can do it.

The wheel holds the suite as ``fastopt.bench``, for the command ``fastopt bench``: all imports here are relative.
"""

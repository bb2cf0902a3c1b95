from sklearn.decomposition import sparse_encode

from ...coding import Coding, Samples
from ...kind import Job, stopwatch


def prepare(row: Coding, data: Samples) -> Job:
    """Its cost is half of it. The Gram matrix is given."""
    gram = data.dictionary @ data.dictionary.T
    options = {"gram": gram, "algorithm": "lasso_cd", "alpha": row.penalty / 2, "check_input": False}

    def encode(count: int) -> None:
        for _ in range(count):
            sparse_encode(data.x, data.dictionary, **options)

    return Job(stopwatch(encode), lambda: sparse_encode(data.x, data.dictionary, **options))

from functools import partial

from sklearn.decomposition import sparse_encode

from ...coding import Coding, Samples
from ...kind import Job, repeated


def prepare(row: Coding, data: Samples) -> Job:
    """Its cost is half of it. The Gram matrix is given."""
    gram = data.dictionary @ data.dictionary.T
    options = {"gram": gram, "algorithm": "lasso_cd", "alpha": row.penalty / 2, "check_input": False}
    encode = partial(sparse_encode, data.x, data.dictionary, **options)
    return Job(repeated(encode), encode)

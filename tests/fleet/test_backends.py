"""Models trained in other processes are those that threads of this one would have made."""

import os
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool

import numpy as np
import pytest

import fastopt as fo

X, Y = fo.datasets.make_blobs(200, 3, seed=0)
RATES = [0.001, 0.01, 0.1]


def build(rate=0.01):
    model = fo.Sequential([fo.layers.Dense(8, "relu"), fo.layers.Dense(3)], seed=0)
    model.compile(fo.optimizers.Adam(rate), "sparse_categorical_crossentropy", ["accuracy"])
    return model


class Pickling:
    """An executor whose workers are lost so often, and which sends all by pickle, as those of other processes do."""

    def __init__(self, losses=0):
        self.losses, self.submitted = losses, 0

    def submit(self, function, *arguments):
        import cloudpickle

        self.submitted += 1
        future = Future()
        if self.submitted <= self.losses:
            future.set_exception(BrokenProcessPool("a worker has died"))
        else:
            call, given = cloudpickle.loads(cloudpickle.dumps((function, arguments)))
            future.set_result(cloudpickle.loads(cloudpickle.dumps(call(*given))))
        return future


@pytest.fixture
def dask():
    yield from dask_of(2)


@pytest.fixture
def dask_of_one():
    yield from dask_of(1)


def dask_of(workers):
    distributed = pytest.importorskip("dask.distributed")  # `distributed` may be the folder of that name here
    with (
        distributed.LocalCluster(workers, threads_per_worker=1, dashboard_address=None) as cluster,
        cluster.get_client() as client,
    ):
        yield client


def backend_of(name, request):
    if name.startswith("dask"):
        return request.getfixturevalue(name)
    if name == "joblib":
        pytest.importorskip("joblib")
        return name
    return {"threads": ThreadPoolExecutor(2), "pickling": Pickling()}[name]


@pytest.mark.parametrize("name", ["joblib", "dask", "threads", "pickling"])
def test_models_searches_and_folds_are_those_of_the_fleet(name, request):
    backend = backend_of(name, request)
    ours, theirs = ([build(rate) for rate in RATES] for _ in range(2))
    shared = {"epochs": 3, "validation_split": 0.2, "verbose": 0}
    members = fo.fleet.fit(ours, X, Y, backend=backend, each=[{}, {"epochs": 2}, {}], **shared)
    expected = fo.fleet.fit(theirs, X, Y, each=[{}, {"epochs": 2}, {}], **shared)
    for model, other, member, like in zip(ours, theirs, members, expected, strict=True):
        for one, two in zip(model.get_weights(), other.get_weights(), strict=True):
            np.testing.assert_array_equal(one, two)
        assert member.model is model
        assert (member.index, member.ending) == (like.index, like.ending)
        assert member.history.history["val_loss"] == like.history.history["val_loss"]
    if name in ("joblib", "threads"):
        return  # the rest goes the same way
    both = {"backend": backend}, {}
    folds = [fo.fleet.cross_validate(build, X, Y, 3, epochs=2, verbose=0, **how) for how in both]
    np.testing.assert_array_equal(folds[0].scores["accuracy"], folds[1].scores["accuracy"])
    space, given = {"rate": fo.search.Log(1e-3, 1.0)}, {"validation_split": 0.2, "epochs": 4, "trials": 4, "verbose": 0}
    searches = [fo.search.halving(build, space, X, Y, **given, **how) for how in both]
    assert [trial.score for trial in searches[0]] == [trial.score for trial in searches[1]]


def test_a_lost_worker_costs_its_task_again():
    backend = Pickling(losses=3)
    members = fo.fleet.fit([build()], X, Y, epochs=1, backend=backend, verbose=0)
    assert (backend.submitted, members[0].ending) == (4, "finished")
    before = fo.get_num_threads()
    fo.set_num_threads(before + 1)
    assert fo.get_num_threads() == before + 1  # though the task was done here, with fewer
    fo.set_num_threads(before)
    backend = Pickling(losses=4)
    model = build()
    with pytest.warns(UserWarning, match=r"1 of 1 models failed, .* BrokenProcessPool: a worker has died"):
        members = fo.fleet.fit([model], X, Y, epochs=1, backend=backend, verbose=0)
    assert members[0].model is model


class DieOnce(fo.callbacks.Callback):
    def __init__(self, path):
        self.mark = str(path)

    def on_epoch_end(self, epoch, logs):
        if epoch == 1 and not os.path.exists(self.mark):
            open(self.mark, "x").close()
            os._exit(1)


@pytest.mark.parametrize("name", ["joblib", "dask", "dask_of_one"])  # one takes all that was sent with it
def test_a_process_that_dies_costs_its_model_again(name, request, tmp_path):
    backend = backend_of(name, request)
    each = [{}, {"callbacks": [DieOnce(tmp_path / "died")]}, {}]
    ours, theirs = ([build(rate) for rate in RATES] for _ in range(2))
    members = fo.fleet.fit(ours, X, Y, epochs=3, each=each, backend=backend, verbose=0)
    assert (tmp_path / "died").exists()
    assert [member.ending for member in members] == ["finished"] * 3
    fo.fleet.fit(theirs, X, Y, epochs=3, verbose=0)
    for model, other in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(model.get_weights()[0], other.get_weights()[0])


@pytest.mark.parametrize(("backend", "error", "message"), [("loky", ValueError, "backend"), (3, TypeError, "submit")])
def test_what_is_no_backend_is_refused(backend, error, message):
    with pytest.raises(error, match=message):
        fo.fleet.fit([build()], X, Y, backend=backend)

# ruff: noqa: E501
"""Mistakes, and what is said of them: each text has been read as by one who made the mistake."""

import numpy as np
import pytest

import fastopt as fo

X, Y = np.linspace(-1, 1, 24).reshape(8, 3), np.zeros(8)
HIMSELF = []
HIMSELF.append(HIMSELF)


def made(optimizer="adam", metrics=("mae",), loss="mse"):
    model = fo.Sequential([fo.layers.Dense(4, "tanh"), fo.layers.Dense(1)])
    model.compile(optimizer, loss, metrics)
    model.build(3)
    return model


# The mistake, the error, and what it says, but for the list of all that is known.
MISTAKES = [
    ('fo.layers.Dense("10")', TypeError, "units must be an integer, not '10'."),
    ("fo.layers.Dense(10.0)", TypeError, "units must be an integer, not 10.0."),
    ("fo.layers.Dense(0)", ValueError, "units must be at least 1, not 0."),
    ('fo.layers.Dense(10, "rleu")', ValueError, "Unknown activation 'rleu'. Did you mean 'relu'?"),
    ('fo.layers.Dense(10, use_bias="no")', TypeError, "use_bias must be True or False, not 'no'."),
    ('fo.layers.Dense(10, kernel_initializer="he")', ValueError, "Unknown initializer 'he'."),
    ('fo.layers.Dense(10, kernel_regularizer="l3")', ValueError, "Unknown regularizer 'l3'."),
    (
        "fo.layers.Dense(10, input_shape=(4,))",
        TypeError,
        "Dense has no argument 'input_shape': the shape is that of the data, or of build(input_shape).",
    ),
    (
        "fo.layers.Dense(10).weights",
        AttributeError,
        "'Dense' object has no attribute 'weights': a layer says what is computed; its weights belong to the model: model.parameters['name/kernel'] and so on.",
    ),
    (
        "fo.layers.Dense(1)(X)",
        TypeError,
        "Dense(units=1, activation='linear', kernel_initializer=GlorotUniform(), bias_initializer=Zeros()) is called with fastopt.Input(...) or outputs of layers, not an array of shape (8, 3); arrays are what a model is called with.",
    ),
    ("fo.layers.Dropout()", ValueError, "Give Dropout either a rate or a keep_prob."),
    ("fo.layers.Dropout(1.0)", ValueError, "rate must be at least 0 and less than 1, not 1.0."),
    ("fo.layers.BatchNormalization(epsilon=1e-50)", ValueError, "epsilon must be at least 1.17549e-38, not 1e-50."),
    ("fo.layers.Reshape(12)", TypeError, "target_shape must be a tuple of integers, not 12."),
    (
        "fo.layers.Residual([fo.layers.Dense])",
        TypeError,
        "Expected the name of a known layer or an object of one for layers[0], not <class 'fastopt.layers.dense.Dense'>. Make an object of it: Dense(...).",
    ),
    ("fo.Sequential([])", ValueError, "layers is empty; it needs at least one layer."),
    (
        "fo.Sequential(fo.layers.Dense(1))",
        TypeError,
        "layers must be a list, not Dense(units=1, activation='linear', kernel_initializer=GlorotUniform(), bias_initializer=Zeros()).",
    ),
    (
        "fo.Sequential([fo.layers.Dense])",
        TypeError,
        "layers[0] must be a layer, such as fastopt.layers.Dense(10), not <class 'fastopt.layers.dense.Dense'>.",
    ),
    ("fo.Sequential([fo.layers.Dense(1)], seed=-1)", ValueError, "seed must be at least 0, not -1."),
    (
        'fo.Sequential([fo.layers.Dense(1)], dtype="float16")',
        ValueError,
        "Unknown dtype 'float16'. Did you mean 'float64'?",
    ),
    (
        "fo.Sequential([fo.layers.Dense(10**6)]).build(10**6)",
        MemoryError,
        "The model has 1,000,001,000,000 weights ('dense/kernel' alone has the shape (1000000, 1000000)), which need 8,000,008,000,000 bytes with their gradients: there is not so much memory.",
    ),
    (
        "fo.Sequential([fo.layers.Dense(1)]).build((28, 28))",
        ValueError,
        "Dense(units=1, activation='linear', kernel_initializer=GlorotUniform(), bias_initializer=Zeros()) needs flat samples, not (n, 28, 28): put Flatten() before it.",
    ),
    (
        "fo.Sequential([fo.layers.Dense(1)]).predict(X)",
        RuntimeError,
        "The model has no weights yet: call build(input_shape) or fit(x, y) first.",
    ),
    (
        "fo.Sequential([fo.layers.Dense(1)]).fit(X, Y)",
        RuntimeError,
        "The model has no loss: call compile(optimizer, loss) first.",
    ),
    ('fo.Sequential([fo.layers.Dense(1)]).get_layer("dens")', ValueError, "Unknown name 'dens'. Did you mean 'dense'?"),
    (
        "made().add(fo.layers.Dense(1))",
        RuntimeError,
        "Layers are added before the model is compiled, built or called; Sequential([*model.layers, layer]) is a new one with one more.",
    ),
    (
        "made().weights",
        AttributeError,
        "'Sequential' object has no attribute 'weights': they are model.parameters and model.state, by name; get_weights() copies them.",
    ),
    ('made().compile("adm", "mse")', ValueError, "Unknown optimizer 'adm'. Did you mean 'adam'?"),
    (
        'made().compile(fo.optimizers.Adam, "mse")',
        TypeError,
        "Expected the name of a known optimizer or an object of one, not <class 'fastopt.optimizers.rules.Adam'>. Make an object of it: Adam(...).",
    ),
    (
        'made().compile("layer_rates", "mse")',
        ValueError,
        "optimizer 'layer_rates' needs optimizer, rates: give an object, LayerRates(optimizer=..., rates=...).",
    ),
    ('made().compile("adam", "mae ")', ValueError, "Unknown loss 'mae '. Did you mean 'mae'?"),
    ('made().compile("adam", "mse", "mae")', TypeError, "metrics must be a list, such as ['mae'], not 'mae'."),
    (
        'made().compile("adam", "mse", ["accuracy"])',
        ValueError,
        "The metric 'accuracy' does not go with the loss 'mean_squared_error'; it goes with sparse_categorical_crossentropy, categorical_crossentropy, kl_divergence, binary_crossentropy.",
    ),
    ('made().compile("adam", None, ["mae"])', ValueError, "Metrics need a loss."),
    ("made().fit(X, Y, epochs=-1)", ValueError, "epochs must be at least 0, not -1."),
    ("made().fit(X, Y, epochs=2.0)", TypeError, "epochs must be an integer, not 2.0."),
    ("made().fit(X, Y, batch_size=0)", ValueError, "batch_size must be at least 1, not 0."),
    ('made().fit(X, Y, batch_size="32")', ValueError, "Unknown batch_size '32'."),
    ('made().fit(X, Y, shuffle="False")', TypeError, "shuffle must be True or False, not 'False'."),
    ("made().fit(X, Y, verbose=3)", ValueError, "Unknown verbose 3."),
    ("made().fit(X, Y, validation_split=1)", ValueError, "validation_split must be at least 0 and less than 1, not 1."),
    (
        "made().fit(X, Y, validation_split=0.5, validation_data=(X, Y))",
        ValueError,
        "Give validation_data or validation_split, not both.",
    ),
    (
        "made().fit(X, Y, validation_data=X)",
        ValueError,
        "validation_data must be (x, y) or (x, y, sample_weight). It is an array of shape (8, 3).",
    ),
    (
        "made().fit(X, Y, callbacks=[fo.callbacks.EarlyStopping])",
        TypeError,
        "callbacks must be a list of objects of fastopt.callbacks.Callback; callbacks[0] is <class 'fastopt.model.callbacks.monitor.EarlyStopping'>. Make an object of it: EarlyStopping(...).",
    ),
    (
        "made().fit(X, Y, callbacks=[print])",
        TypeError,
        "callbacks must be a list of objects of fastopt.callbacks.Callback; callbacks[0] is <built-in function print>. LambdaCallback(on_epoch_end=...) makes one of a function.",
    ),
    (
        'made(metrics=["r2"]).fit(X, Y, callbacks=[fo.callbacks.EarlyStopping("r2")])',
        ValueError,
        "Unknown value to monitor 'r2': it is no mean over samples, and so of validation data alone; watch 'val_r2'.",
    ),
    (
        "made().fit((X, Y))",
        ValueError,
        "x is a tuple of 2 arrays, not of batches (x, y): give x and y by themselves, as by *x.",
    ),
    (
        "made().fit(X, Y, callbacks=[fo.callbacks.EarlyStopping()])",
        ValueError,
        "Unknown value to monitor 'val_loss': fit was given no validation data; give it some, or watch 'loss'.",
    ),
    (
        'made().fit(X, Y, callbacks=[fo.callbacks.EarlyStopping("val_los")], validation_data=(X, Y))',
        ValueError,
        "Unknown value to monitor 'val_los'. Did you mean 'val_loss'?",
    ),
    (
        'made().fit(X, Y, class_weight="balance")',
        ValueError,
        "class_weight needs one class for each sample; the targets of mean_squared_error are none.",
    ),
    (
        "made().fit(X, Y, class_weight={0: 2.0})",
        ValueError,
        "class_weight needs one class for each sample; the targets of mean_squared_error are none.",
    ),
    ('setattr(made(), "epochs_trained", -5)', ValueError, "epochs_trained must be at least 0, not -5."),
    ('setattr(made(), "noise", "off")', TypeError, "noise must be a number, not 'off'."),
    ('setattr(made().layers[0], "trainable", "no")', TypeError, "trainable must be True or False, not 'no'."),
    ('setattr(made().optimizer, "learning_rat", 0.1)', AttributeError, "Adam has no attribute 'learning_rat'."),
    (
        'setattr(made().optimizer, "momentum", 0.9) or made().optimizer.hyper',
        AttributeError,
        "Adam has no attribute 'momentum'.",
    ),
    ('setattr(made().optimizer, "lr", 0.1)', AttributeError, "Adam has no attribute 'lr': it is called learning_rate."),
    ("made().optimizer.lr", AttributeError, "'Adam' object has no attribute 'lr': it is called learning_rate."),
    ("fo.optimizers.Adam(learning_rate=-0.1)", ValueError, "learning_rate must be at least 0, not -0.1."),
    ("fo.optimizers.Adam(beta_1=1.0)", ValueError, "beta_1 must be at least 0 and less than 1, not 1.0."),
    ("fo.optimizers.Adam(clipnorm=1.0)", TypeError, "Adam has no argument 'clipnorm': use Clip(optimizer, norm=...)."),
    ('fo.optimizers.SGD(nesterov="banana")', ValueError, "Unknown form of nesterov 'banana'."),
    ("fo.optimizers.SGD(nesterov=1)", TypeError, "nesterov must be True or False, not 1."),
    ('fo.optimizers.Clip("adam")', ValueError, "Clip needs a value, a norm or a global_norm."),
    (
        'fo.optimizers.Clip(fo.optimizers.Clip("adam", value=1.0), norm=1.0)',
        ValueError,
        "Clip(optimizer=Adam(), value=1.0) has a Clip already.",
    ),
    ('fo.optimizers.Decay("adam", exclude="bias")', TypeError, "exclude must be a list of names, such as ['bias']."),
    (
        'made(fo.optimizers.Decay("adam", exclude=["biass"]))',
        ValueError,
        "No parameter is called 'biass', as exclude says. Did you mean 'bias'? There are dense/kernel, dense/bias, dense_1/kernel, dense_1/bias.",
    ),
    (
        'made(fo.optimizers.LayerRates("adam", {"dens": 0.5}))',
        ValueError,
        "No parameter is called 'dens', as rates says. Did you mean 'dense'? There are dense/kernel, dense/bias, dense_1/kernel, dense_1/bias.",
    ),
    ('fo.optimizers.LayerRates("adam", {"dense": -1.0})', ValueError, "rates['dense'] must be at least 0, not -1.0."),
    (
        'fo.optimizers.Sequence([("adam", 3), "sgd"])',
        TypeError,
        "phases[1] must be a pair (optimizer, epochs), not 'sgd'.",
    ),
    (
        "fo.optimizers.SGD().update(HIMSELF, HIMSELF)",
        ValueError,
        "A collection is nested more than 64 levels deep, or contains itself.",
    ),
    (
        "fo.optimizers.SGD().update([1.0], [1.0])",
        TypeError,
        "params[0] must be an array, a tensor in the memory of the processor, or a collection of such, not float.",
    ),
    (
        "fo.losses.BinaryCrossentropy(from_logits=True)",
        TypeError,
        "BinaryCrossentropy has no argument 'from_logits': the loss sees it from the last activation, which is 'linear', 'softmax' or 'sigmoid'.",
    ),
    ("fo.losses.Huber(delta=0)", ValueError, "delta must be more than 0, not 0."),
    ('fo.losses.FunctionLoss("mse")', TypeError, "function must be a function of targets and predictions, not 'mse'."),
    (
        "fo.callbacks.EarlyStopping(verbose=1)",
        TypeError,
        "EarlyStopping has no argument 'verbose': fit(verbose=2) prints a line for each epoch.",
    ),
    (
        'fo.callbacks.ModelCheckpoint("m.safetensors", save_weights_only=True)',
        TypeError,
        "ModelCheckpoint has no argument 'save_weights_only': files hold all there is; load_model(path).get_weights() returns the weights of one.",
    ),
    (
        'made(loss="sparse_categorical_crossentropy", metrics=[]).fit(X, np.arange(8) % 2)',
        ValueError,
        "y[1] = 1 is not a label from 0 to 0 (the network has 1 output); two classes of one output: 'binary_crossentropy'.",
    ),
    ("fo.callbacks.EarlyStopping(patience=-1)", ValueError, "patience must be at least 0, not -1."),
    ('fo.callbacks.EarlyStopping(mode="minimum")', ValueError, "Unknown mode 'minimum'. Did you mean 'min'?"),
    ('fo.callbacks.LambdaCallback(on_epoch_end="print")', TypeError, "on_epoch_end must be a function, not 'print'."),
    ("fo.callbacks.ReduceLROnPlateau(factor=2)", ValueError, "factor must be more than 0 and less than 1, not 2."),
    ("fo.schedules.Cosine(0.1, steps=0)", ValueError, "steps must be at least 1, not 0."),
    ('fo.schedules.Cosine(0.1, steps=10, per="batch")', ValueError, "Unknown per 'batch'."),
    ('fo.metrics.F1(average="makro")', ValueError, "Unknown average 'makro'. Did you mean 'macro'?"),
    ('fo.initializers.VarianceScaling(mode="fan")', ValueError, "Unknown mode 'fan'. Did you mean 'fan_in'?"),
    (
        "fo.preprocessing.train_dev_test_split(X, Y, fractions=(0.5, 0.6))",
        ValueError,
        "fractions must be three numbers of the sum 1, such as (0.6, 0.2, 0.2), or two, such as (0.7, 0.3), not "
        "(0.5, 0.6).",
    ),
    (
        'fo.preprocessing.train_dev_test_split(X, Y, shuffle="no")',
        TypeError,
        "shuffle must be True or False, not 'no'.",
    ),
    ('fo.datasets.make_blobs(classes="3")', TypeError, "classes must be an integer, not '3'."),
    ("fo.Dense(10)", AttributeError, "module 'fastopt' has no attribute 'Dense': it is fastopt.layers.Dense"),
    (
        "fo.models.load_model",
        AttributeError,
        "module 'fastopt' has no attribute 'models': Sequential, Model and load_model are names of fastopt itself",
    ),
    ("fo.layers.Dens(10)", AttributeError, "module 'fastopt.layers' has no attribute 'Dens'"),
    (
        "fo.layers.LSTM(10)",
        AttributeError,
        "module 'fastopt.layers' has no attribute 'LSTM': there are no recurrent layers and no attention",
    ),
    (
        "fo.schedules.CosineDecay(0.1, 100)",
        AttributeError,
        "module 'fastopt.schedules' has no attribute 'CosineDecay': use Cosine",
    ),
    ("fo.set_num_threads(0)", ValueError, "count must be at least 1, not 0."),
    ('fo.kernels.dropout_forward(X, "0.5", seed=0)', TypeError, "rate must be a number, not '0.5'"),
]


@pytest.mark.parametrize(("mistake", "error", "text"), MISTAKES, ids=[row[0] for row in MISTAKES])
def test_mistake(mistake, error, text):
    with pytest.raises(error) as raised:
        eval(mistake)
    assert str(raised.value).split(" Known")[0] == text


def test_there_are_sixty():
    assert len(MISTAKES) >= 60

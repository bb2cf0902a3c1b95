import keras
from keras import layers

from ...images import SIDE, Images
from ...kind import Job
from ...training import TrainingData, Weights, job
from . import training


class Trainer(training.Trainer):
    def network(self) -> keras.Sequential:
        training.use(str(self.data.x.dtype))
        return keras.Sequential(
            [
                layers.Input((SIDE, SIDE, 1)),
                layers.Conv2D(6, 5, padding="same", activation="relu"),
                layers.MaxPooling2D(2),
                layers.Conv2D(16, 5, activation="relu"),
                layers.MaxPooling2D(2),
                layers.Flatten(),
                layers.Dense(120, "relu"),
                layers.Dense(84, "relu"),
                layers.Dense(10),
            ]
        )

    def weights(self) -> Weights:
        return [tuple(layer.get_weights()) for layer in self.model.layers if layer.weights]


def prepare(row: Images, data: TrainingData) -> Job:
    return job(Trainer(row, data))

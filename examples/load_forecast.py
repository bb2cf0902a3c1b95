"""Forecasts the electric load of a house, hour by hour for the next day, from the weather and the calendar.

It is the model of a home automation: dense layers of 512, 256 and 64 units, Huber's loss, a rate that falls by a
cosine. The data are made here: three years of hours of a house with a heat pump, of people who sleep, work and have
holidays, and of weather. Run it with `pip install 'fastopt[plot]'`: python examples/load_forecast.py [folder]; it takes
some ten seconds. `--export FILE.c` or `FILE.onnx` writes the model for the device that is to run it.
"""

import argparse
import time
from pathlib import Path

import numpy as np

import fastopt as fo

DAY, WEEK, YEAR = 24, 168, 8766  # hours
YEARS = 3


def weather(rng, hours):
    """Return temperatures in degrees Celsius and the part of the sun's light that comes through the clouds."""
    t = np.arange(hours)
    noise = rng.normal(size=(2, hours))
    slow = np.zeros((2, hours))
    for i in range(1, hours):  # fronts last for days
        slow[:, i] = 0.985 * slow[:, i - 1] + noise[:, i]
    temperature = 10 - 9 * np.cos(2 * np.pi * t / YEAR) - 3 * np.cos(2 * np.pi * (t % DAY - 3) / DAY) + 0.7 * slow[0]
    return temperature, 1 / (1 + np.exp(-0.4 * slow[1]))


def house(rng, years=YEARS):
    """Return the load in kW of each hour, and what is known of it a day before, ``[hours, features]``."""
    hours = years * YEAR
    t = np.arange(hours)
    hour, day = t % DAY, t // DAY
    temperature, sky = weather(rng, hours)
    holiday = np.isin(day % 365, rng.choice(365, 12, replace=False))
    away = np.repeat(rng.random(hours // DAY + 1) < 0.03, DAY)[:hours]  # known: nobody heats an empty house
    free = (day % 7 >= 5) | holiday
    evening = 0.9 * np.exp(-0.5 * ((hour - 19.5) / 1.8) ** 2)
    morning = np.where(free, 0.4, 0.7) * np.exp(-0.5 * ((hour - np.where(free, 9.5, 7)) / 1.3) ** 2)
    noon = np.where(free, 0.6, 0.1) * np.exp(-0.5 * ((hour - 12.5) / 1.5) ** 2)
    felt = np.convolve(temperature, np.ones(12) / 12)[:hours]  # walls are slow
    heating = 0.12 * np.maximum(16 - felt, 0) * np.where((hour >= 6) & (hour < 22), 1.0, 0.6)
    light = np.sin(np.pi * np.clip((hour - 6) / 12, 0, 1)) * (1 - 0.5 * np.cos(2 * np.pi * t / YEAR))
    load = 0.25 + np.where(away, 0.05, evening + morning + noon) + np.where(away, 0.3, 1.0) * heating
    load = np.maximum(load - 0.5 * light * sky, 0.05) * rng.lognormal(0, 0.08, hours)  # it has solar cells
    load += rng.random(hours) < 0.01  # a kettle, a dryer: the spikes that Huber's loss forgives
    waves = [f(2 * np.pi * k * t / period) for period in (DAY, YEAR) for k in (1, 2, 3) for f in (np.sin, np.cos)]
    calendar = [*waves, free, away, *(day % 7 == d for d in range(7))]
    known = [temperature, felt, sky, *(np.roll(temperature, shift) for shift in (3, 6, DAY)), np.roll(load, WEEK)]
    x = np.column_stack([*calendar, *known, np.roll(load, DAY)]).astype(np.float32)
    return load[WEEK:].astype(np.float32), x[WEEK:]


def forecaster(x, steps):
    """Return the model for samples like these."""
    scaler = fo.preprocessing.Standardizer().fit(x)
    hidden = [fo.layers.Dense(units, "relu") for units in (512, 256, 64)]
    model = fo.Sequential([scaler, *hidden, fo.layers.Dense(1)], seed=0)
    rate = fo.schedules.Cosine(1e-3, steps)
    model.compile(fo.optimizers.AdamW(rate, weight_decay=1e-2), fo.losses.Huber(0.3), metrics=["mae"])
    return model


def main(arguments=None):
    """Train, compare with the same hour of the week before; return both mean absolute errors in kW."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("folder", nargs="?", help="where to save the picture")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--export", help="a file for the device, .c or .onnx")
    options = parser.parse_args(arguments)
    y, x = house(np.random.default_rng(0))
    split = len(y) - YEAR  # the last year
    batch = 64
    model = forecaster(x[:split], options.epochs * (split // batch + 1))
    began = time.perf_counter()
    model.fit(x[:split], y[:split], batch_size=batch, epochs=options.epochs, verbose=0)
    seconds = time.perf_counter() - began
    found = model.predict(x[split:], verbose=0)[:, 0]
    error, before = (float(abs(y[split:] - one).mean()) for one in (found, y[split - WEEK : -WEEK]))
    print(f"{options.epochs} epochs of {split:,} hours: {seconds:.1f} s")
    print(f"mean absolute error of the last year: {error:.3f} kW; of the same hour a week before: {before:.3f} kW")
    if options.export:
        model.export(options.export)
    if options.folder:
        draw(Path(options.folder), y[split:], found, y[split - WEEK : -WEEK])
    return error, before


def draw(folder, y, found, before):
    """Save a picture of a week in winter."""
    from matplotlib import pyplot

    folder.mkdir(exist_ok=True)
    days = np.arange(WEEK) / DAY
    _, ax = pyplot.subplots(figsize=(9.2, 3.2), layout="constrained")
    some = slice(4 * WEEK, 5 * WEEK)
    ax.plot(days, before[some], color="0.7", label="a week before")
    ax.plot(days, y[some], color="black", lw=1, label="load")
    ax.plot(days, found[some], color="tab:red", label="forecast")
    ax.set(xlabel="day", ylabel="kW")
    ax.legend(ncols=3)
    pyplot.savefig(folder / "load_forecast.png", dpi=90)


if __name__ == "__main__":
    main()

"""Update rules: (w, g, slots, hyper, step) -> (change of w, new slots)."""

import numpy as np


def sgd(w, g, slots, hyper, step):
    return -hyper["learning_rate"] * g, {}


def momentum(w, g, slots, hyper, step):
    v = hyper["momentum"] * slots["v"] - hyper["learning_rate"] * g
    return v, {"v": v}


def nesterov(w, g, slots, hyper, step):
    v = hyper["momentum"] * slots["v"] - hyper["learning_rate"] * g
    return hyper["momentum"] * v - hyper["learning_rate"] * g, {"v": v}


def heavy_ball(w, g, slots, hyper, step, nesterov=False):
    whole = step == 1 and not hyper["dampen_first"]
    v = hyper["momentum"] * slots["v"] + (1 if whole else 1 - hyper["dampening"]) * g
    return -hyper["learning_rate"] * (g + hyper["momentum"] * v if nesterov else v), {"v": v}


def heavy_ball_nesterov(*arguments):
    return heavy_ball(*arguments, nesterov=True)


def root(square, hyper):
    if hyper["epsilon_in_root"]:
        return np.sqrt(square + hyper["epsilon"])
    return np.sqrt(square) + hyper["epsilon"]


def adagrad(w, g, slots, hyper, step):
    s = slots["s"] + g**2
    return -hyper["learning_rate"] * g / root(s, hyper), {"s": s}


def adadelta(w, g, slots, hyper, step):
    rho, epsilon = hyper["rho"], hyper["epsilon"]
    g2 = rho * slots["g2"] + (1 - rho) * g**2
    dx = np.sqrt(slots["dx2"] + epsilon) / np.sqrt(g2 + epsilon) * g
    return -hyper["learning_rate"] * dx, {"g2": g2, "dx2": rho * slots["dx2"] + (1 - rho) * dx**2}


def rmsprop(w, g, slots, hyper, step, centered=False, velocity=None):
    rho, rate = hyper["rho"], hyper["learning_rate"]
    new = {"s": rho * slots["s"] + (1 - rho) * g**2}
    variance = new["s"]
    if centered:
        new["m"] = rho * slots["m"] + (1 - rho) * g
        variance = np.maximum(new["s"] - new["m"] ** 2, 0)
    r = g / root(variance, hyper)
    if velocity is None:
        return -rate * r, new
    inside, outside = (rate, 1.0) if hyper["rate_in_velocity"] else (1.0, rate)
    new["v"] = hyper["momentum"] * slots["v"] + inside * r
    return -outside * (inside * r + hyper["momentum"] * new["v"] if velocity == "nesterov" else new["v"]), new


def adam(w, g, slots, hyper, step, rising=False):
    beta_1, beta_2 = hyper["beta_1"], hyper["beta_2"]
    new = {"m": beta_1 * slots["m"] + (1 - beta_1) * g, "v": beta_2 * slots["v"] + (1 - beta_2) * g**2}
    second = new["v"]
    if "vmax" in slots:
        second = new["vmax"] = np.maximum(slots["vmax"], second)
    if rising:
        second = new["v"] = np.maximum(slots["v"], second)
    first_part, second_part = (1, 1) if rising else (1 - beta_1**step, 1 - beta_2**step)
    rate = hyper["learning_rate"] / first_part / root(second / second_part, {"epsilon_in_root": 0.0} | hyper)
    change = -np.clip(rate, hyper.get("min_rate", -np.inf), hyper.get("max_rate", np.inf)) * new["m"]
    return change - hyper["learning_rate"] * hyper.get("weight_decay", 0) * w, new


def adabelief(w, g, slots, hyper, step):
    beta_1, beta_2 = hyper["beta_1"], hyper["beta_2"]
    m = beta_1 * slots["m"] + (1 - beta_1) * g
    s = beta_2 * slots["s"] + (1 - beta_2) * (g - m) ** 2 + hyper["epsilon"]
    root = np.sqrt(s / (1 - beta_2**step))
    return -hyper["learning_rate"] * m / (1 - beta_1**step) / (root + hyper["epsilon"]), {"m": m, "s": s}


def yogi(w, g, slots, hyper, step):
    beta_1, beta_2 = hyper["beta_1"], hyper["beta_2"]
    m = beta_1 * slots["m"] + (1 - beta_1) * g
    v = slots["v"] - (1 - beta_2) * np.sign(slots["v"] - g**2) * g**2
    root = np.sqrt(v / (1 - beta_2**step))
    return -hyper["learning_rate"] * m / (1 - beta_1**step) / (root + hyper["epsilon"]), {"m": m, "v": v}


def ademamix(w, g, slots, hyper, step):
    """As the authors' program: what grows in a line is the number of steps in which a mean loses half, less one."""

    def memory(beta):
        return np.log(np.longdouble(0.5)) / np.log(np.longdouble(beta)) - 1

    beta_1, beta_2, beta_3 = hyper["beta_1"], hyper["beta_2"], hyper["beta_3"]
    part = min(1, step / hyper["beta_3_warmup"]) if hyper["beta_3_warmup"] else 1
    if part < 1:
        beta_3 = np.longdouble(0.5) ** (1 / ((1 - part) * memory(beta_1) + part * memory(beta_3) + 1))
    alpha = hyper["alpha"] * (min(1, step / hyper["alpha_warmup"]) if hyper["alpha_warmup"] else 1)
    m1 = beta_1 * slots["m1"] + (1 - beta_1) * g
    m2 = beta_3 * slots["m2"] + (1 - beta_3) * g
    v = beta_2 * slots["v"] + (1 - beta_2) * g**2
    direction = (m1 / (1 - beta_1**step) + alpha * m2) / (np.sqrt(v / (1 - beta_2**step)) + hyper["epsilon"])
    return -hyper["learning_rate"] * direction, {"m1": m1, "m2": m2, "v": v}


def adan(w, g, slots, hyper, step):
    beta_1, beta_2, beta_3 = hyper["beta_1"], hyper["beta_2"], hyper["beta_3"]
    difference = g - slots["g0"] if step > 1 else 0 * g
    m = beta_1 * slots["m"] + (1 - beta_1) * g
    v = beta_2 * slots["v"] + (1 - beta_2) * difference
    n = beta_3 * slots["n"] + (1 - beta_3) * (g + beta_2 * difference) ** 2
    direction = m / (1 - beta_1**step) + beta_2 * v / (1 - beta_2**step)
    root = np.sqrt(n / (1 - beta_3**step))
    return -hyper["learning_rate"] * direction / (root + hyper["epsilon"]), {"m": m, "v": v, "n": n, "g0": g}


def adamax(w, g, slots, hyper, step):
    m = hyper["beta_1"] * slots["m"] + (1 - hyper["beta_1"]) * g
    u = np.maximum(hyper["beta_2"] * slots["u"], np.abs(g) + hyper["epsilon"])
    return -hyper["learning_rate"] * m / (1 - hyper["beta_1"] ** step) / u, {"m": m, "u": u}


def nadam(w, g, slots, hyper, step):
    beta_1, beta_2 = hyper["beta_1"], hyper["beta_2"]
    # After some thousand steps the product is 0, whatever its last factors are.
    steps = np.r_[1 : min(step, 10**4), step, step + 1]
    mu = beta_1 * (1 - 0.96 ** (steps * hyper["momentum_decay"]) / 2)
    m = beta_1 * slots["m"] + (1 - beta_1) * g
    v = beta_2 * slots["v"] + (1 - beta_2) * g**2
    ahead = mu[-1] * m / (1 - mu.prod()) + (1 - mu[-2]) * g / (1 - mu[:-1].prod())
    return -hyper["learning_rate"] * ahead / (np.sqrt(v / (1 - beta_2**step)) + hyper["epsilon"]), {"m": m, "v": v}


def muon(w, g, slots, hyper, step):
    """Of what is no matrix: Adam."""
    names = {"beta_1": "adam_beta_1", "beta_2": "adam_beta_2", "epsilon": "epsilon"}
    rate = hyper["learning_rate"] * hyper["adam_lr_ratio"]
    return adam(w, g, slots, {ours: hyper[name] for ours, name in names.items()} | {"learning_rate": rate}, step)


def orthogonal(u, steps):
    x = (u if u.shape[0] <= u.shape[1] else u.T) / (np.linalg.norm(u) + 1e-7)
    for _ in range(steps):
        gram = x @ x.T
        x = 3.4445 * x + (-4.775 * gram + 2.0315 * gram @ gram) @ x
    return x if u.shape[0] <= u.shape[1] else x.T


def muon_of_a_matrix(w, g, slots, hyper, step):
    mu, (inputs, outputs) = hyper["momentum"], w.shape
    m = mu * slots["m"] + (1 - mu) * g
    x = orthogonal(mu * m + (1 - mu) * g if hyper["nesterov"] else m, int(hyper["ns_steps"]))
    factor = 0.2 * max(inputs, outputs) ** 0.5 if hyper["adjust_lr"] else max(1, outputs / inputs) ** 0.5
    return -hyper["learning_rate"] * factor * x, {"m": m}


def soap(w, g, slots, hyper, step):
    """Of what is no matrix."""
    if step == 1:
        return np.zeros_like(w), dict(slots)
    adam_ = {"m": hyper["beta_1"] * slots["m"] + (1 - hyper["beta_1"]) * g}
    adam_["v"] = hyper["beta_2"] * slots["v"] + (1 - hyper["beta_2"]) * g**2
    s = soap_rate(hyper, step) * adam_["m"] / (np.sqrt(adam_["v"]) + hyper["epsilon"])
    return -s - hyper["learning_rate"] * hyper.get("weight_decay", 0) * (w - s), adam_


def soap_rate(hyper, step):
    return hyper["learning_rate"] * np.sqrt(1 - hyper["beta_2"] ** (step - 1)) / (1 - hyper["beta_1"] ** (step - 1))


def soap_of_a_matrix(w, g, slots, hyper, step):
    """As in the authors' program, where a basis has its vectors as columns, and m goes back and forth at every step."""
    beta, sides = hyper["shampoo_beta"], ("l", "r")

    def project(x):
        return slots["ql"].T @ x @ slots["qr"]

    def project_back(x):
        return slots["ql"] @ x @ slots["qr"].T

    squares = {"l": g @ g.T, "r": g.T @ g}
    if step == 1:
        new = {side: (1 - beta) * squares[side] for side in sides}
        bases = {f"q{side}": np.linalg.eigh(new[side])[1][:, ::-1] for side in sides}
        return np.zeros_like(w), new | bases | {"m": np.zeros_like(w), "v": np.zeros_like(w)}
    p = project(g)
    m = hyper["beta_1"] * slots["m"] + (1 - hyper["beta_1"]) * p
    v = hyper["beta_2"] * slots["v"] + (1 - hyper["beta_2"]) * p**2
    s = soap_rate(hyper, step) * project_back(m / (np.sqrt(v) + hyper["epsilon"]))
    back = project_back(m)
    slots = slots | {side: beta * slots[side] + (1 - beta) * squares[side] for side in sides}
    if (step - 1) % hyper["precondition_frequency"] == 0:
        for axis, side in enumerate(sides):
            q = slots[f"q{side}"]
            order = np.argsort(-np.diag(q.T @ slots[side] @ q), kind="stable")
            v = np.take(v, order, axis)
            slots[f"q{side}"] = np.linalg.qr(slots[side] @ q[:, order])[0]
    change = -s - hyper["learning_rate"] * hyper["decay"] * (w - s)
    return change, slots | {"m": project(back), "v": v}


def adafactor(w, g, slots, hyper, step):
    """What the first step finds in the slots does not count."""

    def mean(slot, values):
        return (1 - part) * (slots[slot] if step > 1 else 0) + part * values

    def rms(x):
        return np.sqrt(np.mean(x**2)) if x.size else 0.0

    part, squares = step ** hyper["beta_2_decay"], g**2 + hyper["epsilon_1"]
    if g.ndim > 1:
        new = {"r": mean("r", squares.mean(axis=-1)), "c": mean("c", squares.mean(axis=-2))}
        rows = new["r"] / new["r"].mean(axis=-1, keepdims=True)
        u = g / np.sqrt(rows[..., None]) / np.sqrt(new["c"][..., None, :])
    else:
        new = {"v": mean("v", squares)}
        u = g / np.sqrt(new["v"])
    rate = hyper["learning_rate"]
    if hyper["relative_step"]:
        rate = min(rate, step**-0.5)
    if hyper["scale_parameter"]:
        rate *= max(hyper["epsilon_2"], rms(w))
    u = rate * u / max(1, rms(u) / hyper["clip_threshold"])
    if "momentum" in hyper:
        u = new["m"] = hyper["momentum"] * (slots["m"] if step > 1 else 0) + (1 - hyper["momentum"]) * u
    return -u, new


def nadam_look_ahead(w, g, slots, hyper, step):
    change, new = adam(w, g, slots, hyper, step)
    return change, new | {"theta": w}


def radam(w, g, slots, hyper, step):
    beta_1, beta_2 = hyper["beta_1"], hyper["beta_2"]
    m = beta_1 * slots["m"] + (1 - beta_1) * g
    v = beta_2 * slots["v"] + (1 - beta_2) * g**2
    m_hat = m / (1 - beta_1**step)
    limit = 2 / (1 - beta_2) - 1
    rho = limit - 2 * step * beta_2**step / (1 - beta_2**step)
    if rho > 5:
        rectified = np.sqrt((rho - 4) * (rho - 2) * limit / ((limit - 4) * (limit - 2) * rho))
        m_hat = m_hat * rectified * np.sqrt(1 - beta_2**step) / (np.sqrt(v) + hyper["epsilon"])
    return -hyper["learning_rate"] * m_hat, {"m": m, "v": v}


def lion(w, g, slots, hyper, step):
    beta_1, beta_2 = hyper["beta_1"], hyper["beta_2"]
    change = -hyper["learning_rate"] * np.sign(beta_1 * slots["m"] + (1 - beta_1) * g)
    return change, {"m": beta_2 * slots["m"] + (1 - beta_2) * g}


def look_ahead(w, g, slots, hyper, step):
    v = hyper["momentum"] * slots["v"] - hyper["learning_rate"] * g
    return v, {"v": v, "theta": w}


def lamb(w, g, slots, hyper, step):
    u, new = adam(w, g, slots, hyper | {"learning_rate": -1.0}, step)  # with decay w in it
    ratio = np.linalg.norm(w) / np.linalg.norm(u) if w.any() and u.any() else 1.0
    return -hyper["learning_rate"] * ratio * u, new


def swats(w, g, slots, hyper, step, state):
    _, switch, ratio = state
    if not switch:
        return adam(w, g, slots, hyper, step)
    beta_1, beta_2 = hyper["beta_1"], hyper["beta_2"]
    m = (0.0 if step == switch + 1 else beta_1) * slots["m"] + g
    new = {"m": m, "v": beta_2 * slots["v"] + (1 - beta_2) * g**2}
    return -(1 - beta_1) * ratio * hyper["learning_rate"] * m, new


def rprop(w, g, slots, hyper, step):
    agreement = np.sign(slots["g0"]) * np.sign(g)
    factor = np.choose((agreement + 1).astype(int), [hyper["eta_minus"], 1, hyper["eta_plus"]])
    rate = hyper["learning_rate"]
    size = np.clip(slots["size"] * factor, hyper["min_step"] / rate, hyper["max_step"] / rate)
    kept = np.where(agreement < 0, 0, g)
    return -rate * size * np.sign(kept), {"size": size, "g0": kept}


def schedule_free(w, g, slots, hyper, step, form, state=None):
    """`w` is y. Without a state the rate and the momentum have always been what they are."""

    def factor(t):
        if form != "radam":
            return min(1, t / hyper["warmup_steps"]) if hyper["warmup_steps"] else 1
        rho = length(t)
        if rho <= 4:
            return 1 - hyper["silent_sgd_phase"]
        return np.sqrt((rho - 4) * (rho - 2) * limit / ((limit - 4) * (limit - 2) * rho))

    def length(t):
        return limit - 2 * t * hyper["beta_2"] ** t / (1 - hyper["beta_2"] ** t)

    def weight(t, largest):
        return t ** hyper["r"] * largest ** hyper["weight_lr_power"]

    limit = 2 / (1 - hyper["beta_2"]) - 1 if form == "radam" else 0
    beta = before = hyper["momentum" if form == "sgd" else "beta_1"]
    rate = hyper["learning_rate"]
    if state is None:
        largest = np.maximum.accumulate([rate * factor(t) for t in range(1, step + 1)])
        weights = [weight(t, most) for t, most in enumerate(largest, 1)]
        part = weights[-1] / sum(weights) if sum(weights) else 0
    else:
        now = weight(step, max(state[1], rate * factor(step)))
        part, before = now / (state[0] + now), state[3]
    z = slots["z"] if step > 1 else w
    x = z + (w - z) / before
    new, u = {}, g
    if form != "sgd":
        new["v"] = hyper["beta_2"] * slots["v"] + (1 - hyper["beta_2"]) * g**2
        if form == "adamw" or length(step) > 4:
            u = g / (np.sqrt(new["v"] / (1 - hyper["beta_2"] ** step)) + hyper["epsilon"])
    new["z"] = z - rate * factor(step) * (u + hyper.get("weight_decay", 0) * w)
    x = (1 - part) * x + part * new["z"]
    return (1 - beta) * new["z"] + beta * x - w, new | {"y": slots["y"]}


def prodigy(w, g, slots, hyper, step, state):
    beta_1, beta_2, beta_3 = hyper["beta_1"], hyper["beta_2"], hyper["beta_3"]
    d, largest, numerator = state[0] or hyper["d0"], *state[1:]
    correction = np.sqrt(1 - beta_2**step) / (1 - beta_1**step) if hyper["use_bias_correction"] else 1
    rate = d * hyper["learning_rate"] * correction
    x0 = slots["x0"] if step > 1 else w
    s = beta_3 * slots["s"] + d / hyper["d0"] * (d if hyper["safeguard_warmup"] else rate) * g
    new = {"m": beta_1 * slots["m"] + (1 - beta_1) * d * g, "v": beta_2 * slots["v"] + (1 - beta_2) * (d * g) ** 2}
    after = d
    if s.any():
        numerator = beta_3 * numerator + d / hyper["d0"] * rate * np.sum(g * (x0 - w))
        estimate = hyper["d_coef"] * numerator / np.abs(s).sum()
        grown = max(d, estimate) if d == hyper["d0"] else d
        after = min(max(largest, hyper["d0"], estimate), grown * hyper["growth_rate"])
    direction = new["m"] / (np.sqrt(new["v"]) + after * hyper["epsilon"]) + hyper.get("weight_decay", 0) * w
    return -rate * direction, new | {"s": s, "x0": x0}


def delta_bar_delta(w, g, slots, hyper, step):
    agreement = np.sign(slots["delta_bar"]) * np.sign(g)
    rate = slots["rate"] + hyper["kappa"] * (agreement > 0) - hyper["phi"] * slots["rate"] * (agreement < 0)
    delta_bar = hyper["theta"] * slots["delta_bar"] + (1 - hyper["theta"]) * g
    return -hyper["learning_rate"] * rate * g, {"rate": rate, "delta_bar": delta_bar}

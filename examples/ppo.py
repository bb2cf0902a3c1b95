"""Proximal policy optimization of CartPole-v1 with the settings of CleanRL's ppo.py, and where its time goes.

Run it with `pip install 'fastopt[gymnasium]'`: python examples/ppo.py. Two networks of one `fastopt.Model`, the policy
and the value, are trained by a loop of one's own: forward, gradients of the two outputs, backward, a step. Half a
million steps of a seed take one to two minutes, of which the simulator has the largest part.

Schulman et al., Proximal policy optimization algorithms, arXiv:1707.06347; Huang et al., CleanRL, JMLR 23, 2022.
"""

import argparse
import time

import gymnasium
import numpy as np

import fastopt as fo

# As in CleanRL's ppo.py.
ENVIRONMENTS, STEPS, EPOCHS, MINIBATCHES = 4, 128, 4, 4
RATE, GAMMA, LAMBDA, CLIP, ENTROPY, VALUE, NORM = 2.5e-4, 0.99, 0.95, 0.2, 0.01, 0.5, 0.5
SAMPLES = ENVIRONMENTS * STEPS
SIZE = SAMPLES // MINIBATCHES
SOLVED = 475  # the mean return of 100 episodes that solves CartPole-v1


def network(features, actions, seed):
    """Return a model of two networks with orthogonal starts: logits of the actions, and the value."""
    x = fo.Input(features)
    outputs = []
    for units, gain, name in ((actions, 0.01, "policy"), (1, 1.0, "value")):
        h = x
        for _ in range(2):
            h = fo.layers.Dense(64, "tanh", kernel_initializer=fo.initializers.Orthogonal(2**0.5))(h)
        outputs.append(
            fo.layers.Dense(units, kernel_initializer=fo.initializers.Orthogonal(gain), name=name)(h),
        )
    model = fo.Model(x, outputs, seed=seed)
    model.compile(fo.optimizers.Clip(fo.optimizers.Adam(RATE, epsilon=1e-5), global_norm=NORM))
    return model


def log_softmax(z):
    """Return the logarithms of the probabilities that logits ``[n, actions]`` stand for."""
    z = z - z.max(axis=1, keepdims=True)
    return z - np.log(np.exp(z).sum(axis=1, keepdims=True))


def gradients(logits, value, action, old, advantage, target, before):
    """Return the gradients of PPO's loss by the logits and the values of a minibatch.

    The loss is the mean of max(-A r, -A clip(r)) - 0.01 H + 0.5 / 2 max((v - R)^2, (clip(v) - R)^2), where r is the
    probability of the action divided by the one that it had, `old` its logarithm, H the entropy, A the `advantage`, R
    the `target`; clip(r) is 1 - 0.2..1 + 0.2, and clip(v) not farther than 0.2 from the value `before`.
    """
    n = len(logits)
    advantage = (advantage - advantage.mean()) / (advantage.std(ddof=1) + 1e-8)
    log_p = log_softmax(logits)
    p = np.exp(log_p)
    ratio = np.exp(log_p[np.arange(n), action] - old)
    moves = np.where(advantage > 0, ratio <= 1 + CLIP, ratio >= 1 - CLIP)  # else the clipped one counts
    slope = -advantage * ratio * moves
    d_logits = -p * slope[:, None]
    d_logits[np.arange(n), action] += slope
    entropy = -(p * log_p).sum(axis=1, keepdims=True)
    d_logits += ENTROPY * p * (log_p + entropy)
    error, moved = value - target, value - before
    clipped = before + np.clip(moved, -CLIP, CLIP) - target
    d_value = VALUE * np.where(error**2 >= clipped**2, error, clipped * (abs(moved) <= CLIP))
    return d_logits / n, d_value[:, None] / n


class Learner:
    """The part that learns, of the samples of an iteration."""

    def __init__(self, model, seed):
        self.model = model
        self.rng = np.random.default_rng(seed)

    def act(self, x):
        """Return actions that the policy draws, the logarithms of their probabilities, and the values."""
        logits, value = self.model.predict(x, verbose=0)
        log_p = log_softmax(logits)
        action = (np.exp(log_p).cumsum(axis=1) < self.rng.random((len(x), 1))).sum(axis=1)
        action = np.minimum(action, logits.shape[1] - 1)
        return action, log_p[np.arange(len(x)), action], value[:, 0]

    def learn(self, x, *rest, rate):
        """Take the steps of an iteration."""
        self.model.optimizer.learning_rate = rate
        for _ in range(EPOCHS):
            order = self.rng.permutation(SAMPLES)
            for rows in order.reshape(MINIBATCHES, SIZE):
                logits, value = self.model(x[rows])
                self.model.backward(gradients(logits, value[:, 0], *(array[rows] for array in rest)))
                self.model.apply_gradients()


def advantages(reward, value, done, last):
    """Return generalized advantage estimates ``[steps, environments]``; `done` says that an episode ended there."""
    result = np.zeros_like(value)
    after, running = last, np.zeros_like(last)
    for t in reversed(range(len(reward))):
        goes_on = 1.0 - done[t]
        running = reward[t] + GAMMA * after * goes_on - value[t] + GAMMA * LAMBDA * goes_on * running
        result[t], after = running, value[t]
    return result


def train(seed, steps, learner_of=None):
    """Return the returns of all episodes, and the seconds that each part took."""
    mode = gymnasium.vector.AutoresetMode.SAME_STEP
    environments = gymnasium.vector.SyncVectorEnv(
        [lambda: gymnasium.make("CartPole-v1")] * ENVIRONMENTS, autoreset_mode=mode
    )
    features, actions = environments.single_observation_space.shape, environments.single_action_space.n
    learner = learner_of(seed) if learner_of else Learner(network(features, int(actions), seed), seed)
    seconds = dict.fromkeys(("simulator", "policy", "learner"), 0.0)
    shape = STEPS, ENVIRONMENTS
    x, action = np.zeros((*shape, *features), np.float32), np.zeros(shape, np.int64)
    old, reward, done, value = np.zeros((4, *shape), np.float32)
    x_next, _ = environments.reset(seed=seed)
    returns, running = [], np.zeros(ENVIRONMENTS)
    iterations = max(steps // SAMPLES, 1)
    for iteration in range(iterations):
        for t in range(STEPS):
            began = time.perf_counter()
            x[t] = x_next
            action[t], old[t], value[t] = learner.act(x[t])
            acted = time.perf_counter()
            x_next, reward[t], ended, stopped, _ = environments.step(action[t])
            seconds["simulator"] += time.perf_counter() - acted
            seconds["policy"] += acted - began
            done[t] = ended | stopped
            running += reward[t]
            returns += running[done[t] > 0].tolist()
            running[done[t] > 0] = 0.0
        began = time.perf_counter()
        advantage = advantages(reward, value, done, learner.act(x_next.astype(np.float32))[2])
        flat = [array.reshape(SAMPLES, *array.shape[2:]) for array in (x, action, old, advantage, advantage + value)]
        learner.learn(*flat, value.ravel(), rate=RATE * (1 - iteration / iterations))
        seconds["learner"] += time.perf_counter() - began
    environments.close()
    return returns, seconds


def torch_learner(seed):
    """Return the same learner by PyTorch, as CleanRL writes it."""
    import torch
    from torch import nn
    from torch.distributions.categorical import Categorical

    torch.manual_seed(seed)

    def layer(inputs, outputs, gain):
        linear = nn.Linear(inputs, outputs)
        nn.init.orthogonal_(linear.weight, gain)
        nn.init.zeros_(linear.bias)
        return linear

    def tower(outputs, gain):
        hidden = layer(4, 64, 2**0.5), nn.Tanh(), layer(64, 64, 2**0.5), nn.Tanh()
        return nn.Sequential(*hidden, layer(64, outputs, gain))

    class Torch:
        """Has the methods of `Learner`."""

        def __init__(self):
            self.critic, self.actor = tower(1, 1.0), tower(2, 0.01)
            self.parameters = [*self.critic.parameters(), *self.actor.parameters()]
            self.optimizer = torch.optim.Adam(self.parameters, lr=RATE, eps=1e-5)
            self.rng = np.random.default_rng(seed)

        @torch.no_grad()
        def act(self, x):
            x = torch.from_numpy(x)
            policy = Categorical(logits=self.actor(x))
            action = policy.sample()
            return action.numpy(), policy.log_prob(action).numpy(), self.critic(x)[:, 0].numpy()

        def learn(self, *arrays, rate):
            self.optimizer.param_groups[0]["lr"] = rate
            tensors = [torch.from_numpy(np.ascontiguousarray(array)) for array in arrays]
            for _ in range(EPOCHS):
                order = self.rng.permutation(SAMPLES)
                for rows in order.reshape(MINIBATCHES, SIZE):
                    x, action, old, advantage, target, before = (tensor[rows] for tensor in tensors)
                    policy, value = Categorical(logits=self.actor(x)), self.critic(x).view(-1)
                    ratio = (policy.log_prob(action) - old).exp()
                    advantage = (advantage - advantage.mean()) / (advantage.std() + 1e-8)
                    loss = torch.max(-advantage * ratio, -advantage * torch.clamp(ratio, 1 - CLIP, 1 + CLIP)).mean()
                    clipped = before + torch.clamp(value - before, -CLIP, CLIP)
                    errors = torch.max((value - target) ** 2, (clipped - target) ** 2)
                    loss = loss - ENTROPY * policy.entropy().mean() + VALUE * 0.5 * errors.mean()
                    self.optimizer.zero_grad()
                    loss.backward()
                    nn.utils.clip_grad_norm_(self.parameters, NORM)
                    self.optimizer.step()

    return Torch()


def compare(rounds):
    """Print the milliseconds of an iteration's learning by fastopt and by PyTorch, taking turns; return their ratio."""
    import torch

    rng = np.random.default_rng(0)
    x, old = rng.normal(size=(SAMPLES, 4)).astype(np.float32), np.full(SAMPLES, np.log(0.5), np.float32)
    rest = rng.normal(size=(3, SAMPLES)).astype(np.float32)
    data = x, rng.integers(0, 2, SAMPLES), old, *rest
    ours, others = Learner(network((4,), 2, 0), 0), torch_learner(0)
    settings = {"fastopt": (ours, 0)} | {f"torch, {n} threads": (others, n) for n in (1, 2)}
    seconds = {name: [] for name in settings}
    for _ in range(rounds):
        for name, (learner, threads) in settings.items():
            if threads:
                torch.set_num_threads(threads)
            began = time.perf_counter()
            learner.learn(*data, rate=1e-6)
            seconds[name].append(time.perf_counter() - began)
    medians = {name: 1e3 * float(np.median(times)) for name, times in seconds.items()}
    for name, median in medians.items():
        print(f"{name:16} {median:7.2f} ms for {EPOCHS * MINIBATCHES} minibatches of {SIZE}")
    ratio = min(median for name, median in medians.items() if name != "fastopt") / medians["fastopt"]
    print(f"fastopt is {ratio:.1f} times as fast as the faster one")
    return ratio


def main(arguments=None):
    """Train with some seeds; return the mean returns of the last 100 episodes."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--steps", type=int, default=500_000, help="steps of the simulators for each seed")
    parser.add_argument("--seeds", type=int, default=5, help="how many seeds")
    parser.add_argument("--compare", action="store_true", help="the learner's time beside that of PyTorch's, only")
    options = parser.parse_args(arguments)
    if options.compare:
        return compare(50)
    means = []
    for seed in range(1, options.seeds + 1):
        returns, seconds = train(seed, options.steps)
        means.append(float(np.mean(returns[-100:])))
        spent = ", ".join(f"{name} {value:.1f} s" for name, value in seconds.items())
        print(f"seed {seed}: mean return {means[-1]:.1f} of the last 100 episodes; {spent}", flush=True)
    print(f"solved by {sum(mean >= SOLVED for mean in means)} of {len(means)} seeds")
    return means


if __name__ == "__main__":
    main()

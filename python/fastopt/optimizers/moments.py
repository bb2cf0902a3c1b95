"""Update rules that came after Adam, from running means of the gradient and of squares."""

import numpy as np

from fastopt.optimizers.base import OPTIMIZERS, Rule
from fastopt.optimizers.describe import EPSILON, Flag, Hyperparameter, Integer, Numbers, OptionalHyperparameter, When

__all__ = ["AdEMAMix", "AdaBelief", "Adan", "Prodigy", "Yogi"]


@OPTIMIZERS.add()
class AdaBelief(Rule):
    """Adam with steps that are large where the gradient is as expected, and small where it is not.

    m <- b1 m + (1 - b1) g, s <- b2 s + (1 - b2) (g - m)^2 + eps with the new m,
    w <- w - lr (m / (1 - b1^t)) / (sqrt(s / (1 - b2^t)) + eps) at step t = 1, 2, ...

    Source:
        Zhuang et al., AdaBelief optimizer: adapting stepsizes by the belief in observed gradients, NeurIPS 2020,
        arXiv:2010.07468, algorithm 2. As optax's. The defaults are those of the authors' program, which may rectify the
        variance too, as `RAdam` does: that is not in the paper, nor here. Its decay is `Decay(decoupled=...)`.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> w, adabelief = np.array([1.0, -100.0]), fo.optimizers.AdaBelief(0.5, beta_1=0.5)
        >>> adabelief.update(w, 2 * w)
        >>> w.round(6)
        array([  0.,  -99.])
    """

    rule = "adabelief"
    learning_rate: Hyperparameter = Hyperparameter(1e-3, symbol="lr")
    beta_1: Hyperparameter = Hyperparameter(0.9, 0.0, 1.0, "b1")
    beta_2: Hyperparameter = Hyperparameter(0.999, 0.0, 1.0, "b2")
    epsilon: Hyperparameter = Hyperparameter(1e-16, EPSILON, symbol="eps")


@OPTIMIZERS.add()
class Yogi(Rule):
    """Adam whose mean square nears the square of the gradient by steps that do not grow with the distance.

    m <- b1 m + (1 - b1) g, v <- v - (1 - b2) sign(v - g^2) g^2,
    w <- w - lr (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps) at step t = 1, 2, ...; v starts as a.

    Source:
        Zaheer, Reddi, Sachan, Kale and Kumar, Adaptive methods for nonconvex optimization, NeurIPS 2018, where no bias
        is corrected; it is here, as in optax and in TensorFlow Addons, from where the defaults are. There m starts as a
        too; here as 0, as in the paper.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> w, yogi = np.array([1.0, -100.0]), fo.optimizers.Yogi(0.5, initial_accumulator_value=0.0, epsilon=1e-8)
        >>> yogi.update(w, 2 * w)
        >>> w.round(6)
        array([  0.5,  -99.5])
    """

    rule = "yogi"
    learning_rate: Hyperparameter = Hyperparameter(0.01, symbol="lr")
    beta_1: Hyperparameter = Hyperparameter(0.9, 0.0, 1.0, "b1")
    beta_2: Hyperparameter = Hyperparameter(0.999, 0.0, 1.0, "b2")
    epsilon: Hyperparameter = Hyperparameter(1e-3, EPSILON, symbol="eps")
    initial_accumulator_value: Hyperparameter = Hyperparameter(1e-6, symbol="a", fixed=True)

    @property
    def initial_slots(self) -> dict[str, float]:
        """``v`` starts as `initial_accumulator_value`."""
        return {"v": self.initial_accumulator_value}


@OPTIMIZERS.add()
class AdEMAMix(Rule):
    """Adam with a second mean of the gradient that remembers ten thousand steps.

    m1 <- b1 m1 + (1 - b1) g, m2 <- b3 m2 + (1 - b3) g, v <- b2 v + (1 - b2) g^2,
    w <- w - lr (m1 / (1 - b1^t) + alpha m2) / (sqrt(v / (1 - b2^t)) + eps) at step t = 1, 2, ...

    Early on a slow mean follows gradients of long ago. In long trainings both warm up over all steps, T of them:
    alpha_t = alpha t / T, and b3_t with 1 / ln b3_t = (1 - t / T) / ln b1 + (t / T) / ln b3, so that the time in which
    half of m2 is forgotten grows in a line.

    Source:
        Pagliardini, Ablin and Grangier, The AdEMAMix optimizer: better, faster, older, ICLR 2025, arXiv:2409.03137. As
        optax's, which has no warm-up. alpha is 5 in the experiments of the paper, and 2 by default in its program.
        Its decay is `Decay(decoupled=...)`.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> w, rule = np.array([1.0, -100.0]), fo.optimizers.AdEMAMix(0.5, alpha=0.0)
        >>> rule.update(w, 2 * w)
        >>> w.round(6)
        array([  0.5,  -99.5])
    """

    rule = "ademamix"
    learning_rate: Hyperparameter = Hyperparameter(1e-3, symbol="lr")
    beta_1: Hyperparameter = Hyperparameter(0.9, 0.0, 1.0, "b1")
    beta_2: Hyperparameter = Hyperparameter(0.999, 0.0, 1.0, "b2")
    beta_3: Hyperparameter = Hyperparameter(0.9999, 0.0, 1.0, "b3")
    alpha: Hyperparameter = Hyperparameter(5.0)
    epsilon: Hyperparameter = Hyperparameter(1e-8, EPSILON, symbol="eps")
    alpha_warmup: Integer = Integer(0, note="T of alpha, at least 0; 0 is none")
    beta_3_warmup: Integer = Integer(0, note="T of b3, at least 0; 0 is none")


@OPTIMIZERS.add()
class Adan(Rule):
    """Adam with Nesterov's momentum in the form that follows the change of the gradient.

    d = g - (the gradient before), 0 at the first step; m <- b1 m + (1 - b1) g, v <- b2 v + (1 - b2) d,
    n <- b3 n + (1 - b3) (g + b2 d)^2,
    w <- w - lr (m / (1 - b1^t) + b2 v / (1 - b2^t)) / (sqrt(n / (1 - b3^t)) + eps) at step t = 1, 2, ...

    Source:
        Xie, Zhou, Li, Lin and Yan, Adan: adaptive Nesterov momentum algorithm for faster optimizing deep models, IEEE
        TPAMI 2024, arXiv:2208.06677, whose betas are 1 - b1, 1 - b2 and 1 - b3; these and the defaults are as in the
        authors' program. optax has 1 - b2 for the b2 before d and v. `Decay(decoupled=...)` is optax's decay; where the
        authors divide by 1 + lr decay it subtracts lr decay w.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> w, adan = np.array([1.0, -100.0]), fo.optimizers.Adan(0.5)
        >>> adan.update(w, 2 * w)
        >>> w.round(6)
        array([  0.5,  -99.5])
    """

    rule = "adan"
    learning_rate: Hyperparameter = Hyperparameter(1e-3, symbol="lr")
    beta_1: Hyperparameter = Hyperparameter(0.98, 0.0, 1.0, "b1")
    beta_2: Hyperparameter = Hyperparameter(0.92, 0.0, 1.0, "b2")
    beta_3: Hyperparameter = Hyperparameter(0.99, 0.0, 1.0, "b3")
    epsilon: Hyperparameter = Hyperparameter(1e-8, EPSILON, symbol="eps")


@OPTIMIZERS.add()
class Prodigy(Rule):
    """Adam that finds the rate: it estimates how far away the minimum is, and the learning rate is a factor of that.

    With d, which starts as d0, a = d lr, and x0, the parameters at the start, over all parameters:
    r <- b3 r + (d / d0) a g.(x0 - w), s <- b3 s + (d / d0) a g, m <- b1 m + (1 - b1) d g,
    v <- b2 v + (1 - b2) d^2 g^2. The estimate is d_coef r / |s|_1, and d becomes the largest of all estimates so far,
    or growth_rate d if that is less. Then w <- w - a (m / (sqrt(v) + d eps) + decay w) with the new d beside eps.

    Source:
        Mishchenko and Defazio, Prodigy: an expeditiously adaptive parameter-free learner, ICML 2024, arXiv:2306.06101.
        Formulas and defaults as in the authors' program; optax's has use_bias_correction.

    Example:
        >>> import numpy as np, fastopt as fo
        >>> w, prodigy = np.array([10.0, -3.0]), fo.optimizers.Prodigy()
        >>> for _ in range(300):
        ...     prodigy.update(w, 2 * w)
        >>> bool(abs(w).max() < 0.5)
        True
    """

    rule = "prodigy"
    learning_rate: Hyperparameter = Hyperparameter(1.0, symbol="lr", note="a schedule that falls from 1 may help")
    beta_1: Hyperparameter = Hyperparameter(0.9, 0.0, 1.0, "b1")
    beta_2: Hyperparameter = Hyperparameter(0.999, 0.0, 1.0, "b2")
    beta_3: OptionalHyperparameter = OptionalHyperparameter(0.0, 1.0, "b3", "None is the root of beta_2")
    epsilon: Hyperparameter = Hyperparameter(1e-8, EPSILON, symbol="eps")
    weight_decay: Hyperparameter = Hyperparameter(0.0, symbol="decay")
    d0: Hyperparameter = Hyperparameter(1e-6, above=True, fixed=True)
    d_coef: Hyperparameter = Hyperparameter(1.0, above=True)
    growth_rate: OptionalHyperparameter = OptionalHyperparameter(1.0, note="None is without a limit")
    safeguard_warmup: Flag = Flag(False, "Whether s adds up d g for a g, so that a warm-up of lr does not slow it down")
    use_bias_correction: Flag = Flag(False, "Whether a has Adam's factor sqrt(1 - b2^t) / (1 - b1^t)")

    def own_transforms(self) -> list[str]:
        """Return ``"decay"``."""
        return ["decay"]

    def own_numbers(self, when: When) -> Numbers:
        """Return those of the rule, and the decay."""
        given = [name for name in self._arguments if vars(self)[name] is not None]
        numbers = {name: self.series(name, when) for name in given}
        numbers["decay"] = numbers.pop("weight_decay")
        left_out: Numbers = {"beta_3": np.sqrt(numbers["beta_2"]), "growth_rate": 1e300}
        return left_out | numbers

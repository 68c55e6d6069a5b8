"""Loss functions: one number from scores or predictions and what they ought to be."""

from __future__ import annotations

from typing import Any

from .. import shapes
from ..errors import ShapeError
from ..shapes import Shape
from .table import POSITIVE, REAL, operation

UNIT = (0.0, 1.0)


def scalar(*operands: Shape) -> Shape:
    """The shape of a loss over entries that broadcast."""
    return shapes.broadcast(*operands) and ()


def share(F: Any, total: Any, n: float) -> Any:
    """A total as a mean over n."""
    return total if n == 1 else F.div(total, n)


def count(F: Any, *operands: Any) -> float:
    """How many entries the mean is over."""
    return float(shapes.size(shapes.broadcast(*map(F.shape, operands))))


def rows(F: Any, scores: Any) -> float:
    """How many samples the mean is over."""
    return float(shapes.size(F.shape(scores)[:-1]))


def weights(F: Any, scores: Any, y: Any) -> Any:
    """The wanted probability of every class: y itself, or 1 for the class that y names; NaN for no class."""
    shape = F.shape(scores)
    return y if F.shape(y) == shape else F.one_hot(y, classes=shape[-1])


def named(scores: Shape, y: Shape, margin: Shape) -> Shape:
    """The shape of the hinge loss, whose classes are numbers."""
    if margin:
        raise ShapeError(f"the margin is one number, and its shape is {shapes.written(margin)}")
    if y != scores[:-1]:
        shapes.labelled(scores, (*scores, 0))
    return shapes.labelled(scores, y)


def labels(scores: Shape, y: Shape, *rest: Shape) -> int:
    """The operand that holds classes, if it holds no probabilities."""
    return -1 if y == scores else 1


def excess(F: Any, s: Any, y: Any, margin: Any) -> tuple[Any, Any]:
    """By how much every score comes too close to that of class y; and which class that is."""
    right = F.one_hot(y, classes=F.shape(s)[-1])
    reached = F.sum(F.where(right, F.mul(right, s), 0.0), axis=-1, keepdims=True)
    return (s - reached) + margin, right


def hinge(F: Any, s: Any, y: Any, margin: Any) -> Any:
    short, right = excess(F, s, y, margin)
    return share(F, F.sum(F.where(right, F.mul(right, 0.0), F.max(short, 0.0))), rows(F, s))


def hinge_slope(F: Any, z: Any, s: Any, y: Any, margin: Any) -> Any:
    short, right = excess(F, s, y, margin)
    active = F.where(right, 0.0, F.step(short))
    return share(F, active - F.mul(right, F.sum(active, axis=-1, keepdims=True)), rows(F, s))


def cross_entropy_slope(F: Any, z: Any, s: Any, y: Any) -> Any:
    """softmax(s) less the wanted probability; for a class, 1 is taken off without a difference."""
    if F.shape(y) == F.shape(s):
        rest = F.mul(F.softmax(s), F.sum(y, axis=-1, keepdims=True) - y)
        return share(F, F.mul(F.expm1(F.log_softmax(s)), y) + rest, rows(F, s))
    return share(F, F.where(weights(F, s, y), F.expm1(F.log_softmax(s)), F.softmax(s)), rows(F, s))


def unlabelled(F: Any, slope: Any, s: Any, y: Any) -> Any:
    """The slope towards y, where y is probabilities; class numbers have none."""
    return slope() if F.shape(y) == F.shape(s) else 0.0


def picked(F: Any, logs: Any, y: Any) -> Any:
    """The wanted probabilities times the logarithms, where they are not 0."""
    wanted = weights(F, logs, y)
    return F.where(wanted, F.mul(wanted, logs), 0.0)


def nll_of_lectures(F: Any, p: Any, y: Any) -> Any:
    """-p[y] where there is one class, else the sum over the rows."""
    if len(F.shape(p)) == 1 and F.shape(y) == ():
        return -F.take(p, y)
    return share(F, -F.sum(picked(F, p, y)), rows(F, p))


def hinge_of_lectures(F: Any, s: Any, y: Any, margin: Any) -> Any:
    """Of one sample: class y itself adds the margin, which is taken off again."""
    if len(F.shape(s)) > 1:
        return hinge(F, s, y, margin)
    return F.sum(F.max(0.0, s - F.take(s, y) + margin)) - margin


operation(
    "hinge", "Sum over the classes j other than y of max(0, s[j] - s[y] + margin); over rows of scores, their mean.",
    pattern="gradient switch", operands=("s", "y", "margin"), defaults=(1.0,), reduces=True, shape=named,
    place=labels,
    value=hinge, expand=hinge_of_lectures,
    partials=(
        hinge_slope,
        lambda F, z, s, y, margin: 0.0,
        lambda F, z, s, y, margin: F.sum(F.max(hinge_slope(F, z, s, y, margin), 0.0)),
    ),
    kink=lambda F, z, s, y, margin: F.where(excess(F, s, y, margin)[1], 0.0, F.equal(excess(F, s, y, margin)[0], 0.0)),
    told=(
        "1 at every j with s[j] - s[y] + margin > 0, at y minus their number; over rows, divided by their number",
        "0",
        "the number of j with s[j] - s[y] + margin > 0; over rows, divided by their number",
    ),
    example=(((3,), (), ()), {}),
    kink_told="s[j] - s[y] + margin == 0 for a j other than y",
)  # fmt: skip
operation(
    "cross_entropy", "Cross-entropy of softmax(s) against class y, or against probabilities y; over rows, their mean.",
    pattern="soft router", operands=("s", "y"), reduces=True, shape=shapes.labelled,
    place=labels,
    value=lambda F, s, y: share(F, -F.sum(picked(F, F.log_softmax(s), y)), rows(F, s)),
    expand=lambda F, s, y: F.nll(F.log_softmax(s), y),
    partials=(
        cross_entropy_slope,
        lambda F, z, s, y: unlabelled(F, lambda: share(F, -F.log_softmax(s), rows(F, s)), s, y),
    ),
    example=(((3,), ()), {}),
    textbook=("softmax(s) - one_hot(y, n)", ""),
)  # fmt: skip
operation(
    "nll", "Negative log-likelihood: -p[y] of logarithms p of probabilities; over rows, their mean.",
    pattern="gradient router", operands=("p", "y"), reduces=True, shape=shapes.labelled, structural=True,
    place=labels,
    value=lambda F, p, y: share(F, -F.sum(picked(F, p, y)), rows(F, p)),
    expand=nll_of_lectures,
    partials=(
        lambda F, z, p, y: share(F, -weights(F, p, y), rows(F, p)),
        lambda F, z, p, y: unlabelled(F, lambda: share(F, -p, rows(F, p)), p, y),
    ),
    example=(((3,), ()), {}),
)  # fmt: skip
operation(
    "bce", "Binary cross-entropy of probabilities p against t: mean of -t*log(p) - (1 - t)*log(1 - p).",
    pattern="reciprocal slope", operands=("p", "t"), reduces=True, shape=scalar,
    value=lambda F, p, t: F.mean(
        F.where(F.equal(t, 1.0), 0.0, -F.mul(1.0 - t, F.log1p(-p))) - F.where(F.equal(t, 0.0), 0.0, F.mul(t, F.log(p)))
    ),
    expand=lambda F, p, t: F.mean(-(F.mul(t, F.log(p))) - F.mul(1.0 - t, F.log(1.0 - p))),
    partials=(
        lambda F, z, p, t: F.div(
            F.where(F.equal(t, 1.0), 0.0, F.div(1.0 - t, 1.0 - p)) - F.where(F.equal(t, 0.0), 0.0, F.div(t, p)),
            count(F, p, t),
        ),
        lambda F, z, p, t: F.div(F.log1p(-p) - F.log(p), count(F, p, t)),
    ),
    domain=(UNIT, UNIT), singular=True,
    textbook=("(p - t)/(n*p*(1 - p))", "(log(1 - p) - log(p))/n"),
    lost="bce(sigmoid(x), t) is `bce_logits(x, t)`, which does not overflow",
)  # fmt: skip
operation(
    "bce_logits", "Binary cross-entropy of sigmoid(s) against t, stable at extreme scores; the mean over entries.",
    pattern="squasher", operands=("s", "t"), reduces=True, shape=scalar,
    value=lambda F, s, t: F.mean(F.mul(t, F.softplus(-s)) + F.mul(1.0 - t, F.softplus(s))),
    expand=lambda F, s, t: F.bce(F.sigmoid(s), t),
    partials=(
        lambda F, z, s, t: F.div(F.mul(1.0 - t, F.sigmoid(s)) - F.mul(t, F.sigmoid(-s)), count(F, s, t)),
        lambda F, z, s, t: F.div(-F.full(s, shape=shapes.broadcast(F.shape(s), F.shape(t))), count(F, s, t)),
    ),
    domain=(REAL, UNIT),
    textbook=("(sigmoid(s) - t)/n", "-s/n"),
)  # fmt: skip
operation(
    "mse", "Mean squared error: mean of (p - t)^2.", pattern="power rule", operands=("p", "t"), reduces=True,
    shape=scalar,
    value=lambda F, p, t: F.mean(F.square(p - t)),
    partials=(
        lambda F, z, p, t: F.div(2.0, count(F, p, t)) * (p - t),
        lambda F, z, p, t: F.div(2.0, count(F, p, t)) * (t - p),
    ),
)  # fmt: skip
operation(
    "sqloss", "Squared loss: sum of (p - t)^2.", pattern="power rule", operands=("p", "t"), reduces=True, shape=scalar,
    value=lambda F, p, t: F.sum(F.square(p - t)),
    partials=(lambda F, z, p, t: 2.0 * (p - t), lambda F, z, p, t: 2.0 * (t - p)),
)  # fmt: skip
operation(
    "gaussian_nll", "Mean of -log of the normal density: log(sigma) + (x - mu)^2/(2*sigma^2) + log(2*pi)/2.",
    pattern="power rule", operands=("x", "mu", "sigma"), reduces=True, shape=scalar,
    value=lambda F, x, mu, sigma: F.mean(
        F.log(sigma) + F.mul(0.5, F.square(F.div(x - mu, sigma))) + F.mul(0.5, F.log(2.0 * F.pi))
    ),
    partials=(
        lambda F, z, x, mu, sigma: F.div(F.div(F.div(x - mu, sigma), sigma), count(F, x, mu, sigma)),
        lambda F, z, x, mu, sigma: F.div(F.div(F.div(mu - x, sigma), sigma), count(F, x, mu, sigma)),
        lambda F, z, x, mu, sigma: F.div(
            F.div(1.0 - F.square(F.div(x - mu, sigma)), sigma), count(F, x, mu, sigma)
        ),
    ),
    domain=(REAL, REAL, POSITIVE), singular=True,
    textbook=("(x - mu)/(n*sigma^2)", "(mu - x)/(n*sigma^2)", "(1 - (x - mu)^2/sigma^2)/(n*sigma)"),
)  # fmt: skip
operation(
    "l1", "Sum of the absolute values of all entries, as a regularisation.", pattern="gradient switch", reduces=True,
    shape=scalar,
    value=lambda F, w: F.sum(F.abs(w)),
    partials=lambda F, z, w: F.sign(w),
    operands=("w",), kink=lambda F, z, w: F.equal(w, 0.0),
)  # fmt: skip
operation(
    "l2", "Sum of the squares of all entries, as a regularisation.", pattern="power rule", operands=("w",),
    reduces=True, shape=scalar,
    value=lambda F, w: F.sum(F.square(w)),
    partials=lambda F, z, w: 2.0 * w,
)  # fmt: skip

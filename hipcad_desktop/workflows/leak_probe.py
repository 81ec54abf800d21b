"""How well do cues beside the bone tell broken hips from whole ones? Cross-validated by patient, never seen twice."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from hipcad_desktop.domain.auc import score_interval
from hipcad_desktop.domain.dataset import HipEntry
from hipcad_desktop.domain.metrics import Estimate, Z

FOLDS = 5
FEWEST_PATIENTS = 4  # of each class: fewer leave folds without one
_MOST_HIPS = 4000  # a probe of more would take minutes and tell no more
_SEED = 20200414
_TREES = 40
_REPEATS = 4  # of few hips, whose folds are a lottery
_MANY = 1000
_FEW = 20  # patients of a class
_UNIT = "hips"
_METHOD = f"{FOLDS}-fold cross-validation by patient; interval of clusters (Obuchowski, few: Newcombe)"

Floats = npt.NDArray[np.float64]


def cues_auc(cues: Sequence[Floats], entries: Sequence[HipEntry]) -> Estimate:
    """The area that a line and a forest reach on patients they never saw, from the cues float64 [N, k] alone.

    The interval counts the hips of a patient as one cluster (clustered_auc). None where a class has too few patients.
    """
    names = sorted({e.patient for e in entries})
    if len(names) > _MOST_HIPS // 2:
        kept = set(np.random.default_rng(_SEED).permutation(names)[: _MOST_HIPS // 2].tolist())
        rows = [i for i, e in enumerate(entries) if e.patient in kept]
        return cues_auc([c[rows] for c in cues], [entries[i] for i in rows])
    truth = np.array([e.fracture for e in entries], dtype=bool)
    patients = np.array([e.patient for e in entries])
    fewest = min((len(set(patients[truth == kind])) for kind in (True, False)), default=0)
    if fewest < FEWEST_PATIENTS:
        reason = f"needs {FEWEST_PATIENTS} patients with a broken and as many with a whole hip"
        return Estimate(None, None, None, len(entries), _UNIT, _METHOD, reason)
    score = scores_of_unseen(np.concatenate(list(cues), axis=1), truth, patients)
    value, low, high = clustered_auc(score, truth, patients)
    return Estimate(value, low, high, len(entries), _UNIT, _METHOD)


def paired(entries: Sequence[HipEntry]) -> list[int]:
    """The places of hips whose film shows one broken and one whole hip."""
    films: dict[str, list[int]] = {}
    for at, entry in enumerate(entries):
        films.setdefault(entry.film_code, []).append(at)
    return sorted(at for hips in films.values() if len({entries[i].fracture for i in hips}) == 2 for at in hips)


def scores_of_unseen(values: Floats, truth: npt.NDArray[np.bool_], patients: npt.NDArray[np.str_]) -> Floats:
    """For each hip what a probe says that was fitted without its patient, mean of repeats with other folds, [N]."""
    from sklearn.model_selection import StratifiedGroupKFold
    from threadpoolctl import threadpool_limits

    score = np.zeros(len(truth))
    folds = min(FOLDS, len(set(patients[truth])), len(set(patients[~truth])))
    repeats = _REPEATS if len(truth) < _MANY else 1
    with threadpool_limits(1):  # matrices so small that threads would only wait for each other
        for repeat in range(repeats):
            split = StratifiedGroupKFold(folds, shuffle=True, random_state=_SEED + repeat)
            for known, unknown in split.split(values, truth, patients):
                if len(set(truth[known])) == 1:
                    score[unknown] += 0.5 / repeats
                else:
                    score[unknown] += _fitted(values[known], truth[known], values[unknown]) / repeats
    return score


def _fitted(known: Floats, truth: npt.NDArray[np.bool_], unknown: Floats) -> Floats:
    """Probability of "broken" for the unknown: mean of a line, which few hips can draw, and a forest, for the rest."""
    from sklearn.ensemble import ExtraTreesClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    line = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, class_weight="balanced", max_iter=1000))
    leaf = max(3, len(known) // 100)
    forest = ExtraTreesClassifier(_TREES, min_samples_leaf=leaf, class_weight="balanced", random_state=_SEED)
    both = [np.asarray(m.fit(known, truth).predict_proba(unknown)[:, 1], np.float64) for m in (line, forest)]
    return (both[0] + both[1]) / 2


def clustered_auc(
    score: Floats, truth: npt.NDArray[np.bool_], patients: npt.NDArray[np.str_]
) -> tuple[float, float, float]:
    """Area and 95 % interval where hips of one patient count as one cluster (Obuchowski, Biometrics 1997;53:567).

    With fewer than 20 patients in a class, or a perfect area, there is too little to estimate a variance from: then the
    score interval of as many single hips as there are patients (Newcombe, Stat Med 2006;25:559, method 5).
    """
    from scipy.stats import rankdata

    broken, whole = score[truth], score[~truth]
    both = rankdata(np.concatenate([broken, whole]))
    of_broken = (both[: len(broken)] - rankdata(broken)) / len(whole)
    of_whole = 1 - (both[len(broken) :] - rankdata(whole)) / len(broken)
    area = float(of_broken.mean())
    names, place = np.unique(patients, return_inverse=True)
    x, y = np.zeros(len(names)), np.zeros(len(names))
    np.add.at(x, place[truth], of_broken - area)
    np.add.at(y, place[~truth], of_whole - area)
    with_broken, with_whole = len(set(place[truth])), len(set(place[~truth]))
    if min(with_broken, with_whole) < _FEW or area in (0.0, 1.0):
        low, high = score_interval(area, with_broken, with_whole)
        return area, low, high
    variance = (
        _spread(x, with_broken) / len(broken) ** 2
        + _spread(y, with_whole) / len(whole) ** 2
        + 2 * len(names) / (len(names) - 1) * float(x @ y) / (len(broken) * len(whole))
    )
    reach = Z * math.sqrt(max(variance, 0.0))
    return area, max(0.0, area - reach), min(1.0, area + reach)


def _spread(sums: Floats, clusters: int) -> float:
    return clusters / (clusters - 1) * float(sums @ sums)

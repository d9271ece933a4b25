#!/usr/bin/env python3
"""What scikit-learn computes on small problems, for Tests/PrismDictionariesTests/Goldens/scikit-learn.

    .venv-conformance/bin/python -m pip install scikit-learn==1.9.1
    .venv-conformance/bin/python Scripts/goldens/baseline_goldens.py

pca.safetensors    x [400, 7]; variance [7], components [7, 7] of PCA
ica.safetensors    x [2000, 5] = sources · mixing + mean; mixing [5, 5] as planted; found [5, 5]: FastICA's, a row per component
codes.safetensors  x [40, 12]; atoms [30, 12], rows of length one; omp [40, 30] of orthogonal_mp with 4 atoms;
                   lasso, lasso_positive [40, 30]: coordinate descent on ½‖x − z·atoms‖² + .3 Σ|z|
"""

from pathlib import Path

import numpy as np
from safetensors.numpy import save_file
from sklearn.decomposition import PCA, FastICA
from sklearn.linear_model import Lasso, orthogonal_mp

GOLDENS = Path(__file__).resolve().parents[2] / "Tests/PrismDictionariesTests/Goldens/scikit-learn"
GOLDENS.mkdir(parents=True, exist_ok=True)
rng = np.random.default_rng(7)


def save(name, **arrays):
    save_file({k: np.ascontiguousarray(v, dtype=np.float32) for k, v in arrays.items()}, GOLDENS / f"{name}.safetensors")


def f32(a):
    """As the tests will read it."""
    return a.astype(np.float32).astype(np.float64)


x = f32(rng.normal(size=(400, 7)) @ rng.normal(size=(7, 7)) + 3 * rng.normal(size=7))
pca = PCA(svd_solver="full").fit(x)
save("pca", x=x, variance=pca.explained_variance_, components=pca.components_)

# Three heavy-tailed sources and two light-tailed ones: log cosh must find both kinds.
sources = np.column_stack([rng.laplace(size=(2000, 3)), rng.uniform(-1.7, 1.7, size=(2000, 2))])
mixing = rng.normal(size=(5, 5))
x = f32(sources @ mixing + 2)
ica = FastICA(whiten="unit-variance", algorithm="parallel", fun="logcosh", tol=1e-8, max_iter=1000, random_state=0).fit(x)
save("ica", x=x, mixing=mixing, found=ica.mixing_.T)

atoms = rng.normal(size=(30, 12))
atoms = f32(atoms / np.linalg.norm(atoms, axis=1, keepdims=True))
codes = rng.normal(size=(40, 30)) * (rng.random((40, 30)) < 0.1)
x = f32(codes @ atoms + 0.1 * rng.normal(size=(40, 12)))


def lasso(row, positive):
    # scikit-learn minimises ½‖·‖²/n + alpha Σ|z|, n = 12 being the numbers in a vector.
    model = Lasso(alpha=0.3 / 12, fit_intercept=False, positive=positive, tol=1e-14, max_iter=1_000_000)
    return model.fit(atoms.T, row).coef_


save(
    "codes", x=x, atoms=atoms, omp=orthogonal_mp(atoms.T, x.T, n_nonzero_coefs=4).T,
    lasso=[lasso(row, False) for row in x], lasso_positive=[lasso(row, True) for row in x])

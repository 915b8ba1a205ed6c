"""Writes golden.json beside this file: reference values of the risk kernels from independent implementations.

Needs numpy, scipy, pandas, statsmodels, scikit-learn, mpmath, QuantLib for Python, and Rscript (base R) on the PATH:
    python3 test/golden/risk/generate.py
Every group names its source. Inputs are seeded and stored with the values, so the tests need none of this.
"""

import json
import pathlib
import subprocess

import mpmath as mp
import numpy as np
import pandas as pd
import QuantLib as ql
import scipy
import scipy.integrate
import scipy.stats as st
import sklearn
import statsmodels
import statsmodels.api as sm
from sklearn.covariance import LedoitWolf

mp.mp.dps = 50
rng = np.random.default_rng(20260705)
groups = {}


def group(name, source, **content):
    groups[name] = {"source": source, **content}


def clean(x):
    return np.asarray(x, dtype=float).tolist()


# --- distributions -----------------------------------------------------------------------------------------------
def f(v):
    return float(mp.nstr(v, 20))


def bisect(fun, p, lo, hi):
    lo, hi, p = mp.mpf(lo), mp.mpf(hi), mp.mpf(p)
    for _ in range(230):
        mid = (lo + hi) / 2
        lo, hi = (mid, hi) if fun(mid) < p else (lo, mid)
    return (lo + hi) / 2


def t_cdf(x, df):
    x, df = mp.mpf(x), mp.mpf(df)
    tail = mp.betainc(df / 2, mp.mpf(1) / 2, 0, df / (df + x * x), regularized=True) / 2
    return tail if x < 0 else 1 - tail


def chi_lower(x, df):
    return mp.gammainc(mp.mpf(df) / 2, 0, mp.mpf(x) / 2, regularized=True)


def chi_upper(x, df):
    return mp.gammainc(mp.mpf(df) / 2, mp.mpf(x) / 2, mp.inf, regularized=True)


source = f"mpmath {mp.__version__}, 50 digits"
group("normal_cdf", source, rows=[[x, f(mp.ncdf(x))] for x in
      [-37, -20, -8, -5, -3, -2.6, -2.5, -2.4, -1, -0.5, -1e-8, 0, 0.3, 1, 2, 2.5, 3, 5, 8]])
group("normal_quantile", source, rows=[[p, f(bisect(mp.ncdf, p, -60, 60))] for p in
      [1e-300, 1e-100, 1e-20, 1e-9, 1e-5, .001, .01, .025, .05, .07, .08, .25, .6, .9, .95, .975, .99, .999, .9999]])
group("student_t_cdf", source, rows=[[x, df, f(t_cdf(x, df))] for df in [.5, 1, 2, 2.5, 3, 4, 5, 10, 30, 100, 1000, 1e5]
      for x in [-50, -10, -4, -2, -1, -.1, .01, .5, 1.5, 3]])
group("student_t_quantile", source, rows=[[p, df, f(bisect(lambda v: t_cdf(v, df), p, -mp.mpf(10) ** 12, mp.mpf(10) ** 6))]
      for df in [1, 2, 2.5, 3, 4, 5, 10, 30, 100, 1000] for p in [1e-10, 1e-5, .001, .01, .05, .3, .4999, .7, .975, .99]])
group("chi_square_cdf", source + "; rows are x, df, lower, upper",
      rows=[[r * df, df, f(chi_lower(r * df, df)), f(chi_upper(r * df, df))] for df in [.5, 1, 2, 3, 5, 10, 50, 250, 1000]
            for r in [.01, .1, .5, .9, 1, 1.1, 1.5, 3, 6]])
group("chi_square_quantile", source, rows=[[p, df, f(bisect(lambda v: chi_lower(v, df), p, 0, 1e5))]
      for df in [.5, 1, 2, 3, 5, 10, 50, 250, 1000] for p in [1e-10, 1e-4, .01, .05, .5, .9, .95, .99, .9999]])
group("log_gamma", source, rows=[[x, f(mp.loggamma(x))] for x in [1e-5, .1, .5, .9, 1.5, 2.5, 3, 7.3, 20, 100.5, 1e4]])
group("binomial_cdf", f"scipy {scipy.__version__} stats.binom.cdf",
      rows=[[k, n, p, float(st.binom.cdf(k, n, p))] for n, p in [(250, .01), (1000, .05), (20, .5)] for k in [0, 3, 4, 9, 12]])

# --- quantiles ---------------------------------------------------------------------------------------------------
samples = [[3.0, 1.0, 2.0, 2.0, 7.5, -4.0, 0.25, 9.0, 9.0, -1.0, 5.0], [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0], [4.0]]
ps = [0, .01, .05, .1, .25, .3, .5, .75, .9, .99, 1]
r_code = "options(digits=17);" + "".join(
    f"for (t in 1:9) cat(format(quantile(c({','.join(map(str, s))}), c({','.join(map(str, ps))}), type=t, names=FALSE), digits=17), '\\n');"
    for s in samples)
r_out = subprocess.run(["Rscript", "-e", r_code], capture_output=True, text=True, check=True).stdout.strip().split("\n")
r_version = subprocess.run(["Rscript", "-e", "cat(R.version.string)"], capture_output=True, text=True, check=True).stdout
group("quantile", f"{r_version}, quantile(type = 1…9)", samples=samples, probabilities=ps,
      values=[[list(map(float, r_out[9 * i + t].split())) for t in range(9)] for i in range(len(samples))])

# --- a market: 250 days, four assets, fat tails, one common factor --------------------------------------------------
common = rng.standard_t(4, 250) * .006
returns = np.round(np.stack([common * b + rng.standard_t(5, 250) * s for b, s in [(1, .004), (1.4, .009), (.3, .003), (-.5, .006)]]), 6)
weights = np.array([.4, .35, .45, -.2])
pnl = weights @ returns
group("market", "numpy default_rng(20260705); Student t factor and residuals, rounded to 6 decimals",
      returns=clean(returns), weights=clean(weights))
group("moments", f"scipy {scipy.__version__} stats.skew, stats.kurtosis (bias=True); numpy var",
      mean=float(pnl.mean()), variance=float(pnl.var(ddof=1)), skewness=float(st.skew(pnl)), kurtosis=float(st.kurtosis(pnl)))


def es_at(x, a):
    s, w = np.sort(x), len(x) * a
    k = int(np.floor(w + 1e-9))
    return float(-(s[:k].sum() + (w - k) * s[k]) / w)


hist = []
for c, a in [(.9, .1), (.95, .05), (.99, .01), (.975, .025)]:
    v = -np.quantile(pnl, a)
    hist.append({"confidence": c, "var": float(v), "mean_beyond_var": float(-pnl[pnl <= -v].mean()), "acerbi_tasche": es_at(pnl, a)})
group("historical", f"numpy {np.__version__}: -np.quantile(p, α), -p[p <= q].mean(); weighted tail by its definition", rows=hist)
thousand = np.round(rng.standard_t(4, 1000) * .01, 8)
rs = ql.RiskStatistics()
for x in thousand:
    rs.add(float(x))
group("historical_quantlib", f"QuantLib {ql.__version__} RiskStatistics.valueAtRisk(p), expectedShortfall(p); it walks to 1 − p "
      "in floating point, so its order statistic may lie one rank further in", pnl=clean(thousand),
      rows=[{"confidence": c, "var": rs.valueAtRisk(c), "es": rs.expectedShortfall(c)} for c in [.95, .99, .995]])

z = st.norm.ppf
group("parametric", f"scipy {scipy.__version__} stats.norm.ppf, stats.norm.expect over the tail",
      rows=[{"mean": m, "sd": s, "confidence": c, "h": h, "var": float(-st.norm(m * h, s * np.sqrt(h)).ppf(1 - c)),
             "es": float(-scipy.integrate.quad(lambda u: st.norm(m * h, s * np.sqrt(h)).ppf(u), 0, 1 - c, epsabs=1e-15, epsrel=1e-12)[0] / (1 - c))}
            for m, s, c, h in [(0, .01, .99, 1), (.0004, .0123, .95, 10), (-.001, 250000.0, .975, 1)]])
rows = []
for m, s, df, c, h in [(0, .01, 5, .99, 1), (.0004, .0123, 3.5, .95, 10), (0, 1, 30, .999, 1)]:
    scale = s * np.sqrt(h) * np.sqrt((df - 2) / df)
    dist = st.t(df)
    t = dist.ppf(1 - c)
    es = -scipy.integrate.quad(lambda x: x * dist.pdf(x), -np.inf, t, epsabs=1e-16, epsrel=1e-12)[0] / (1 - c)
    rows.append({"mean": m, "sd": s, "df": df, "confidence": c, "h": h, "var": float(-scale * t - m * h), "es": float(scale * es - m * h)})
group("student_t", f"scipy {scipy.__version__} stats.t.ppf; shortfall by integrate.quad of x·pdf", rows=rows)
rows = []
for m, s, sk, ku, c, h in [(0, .01, 0, 0, .99, 1), (.0005, .012, -.3, 1.2, .99, 1), (.0005, .012, -.3, 1.2, .95, 5), (0, 1, -2, 1, .99, 1)]:
    s_h, k_h = sk / np.sqrt(h), ku / h

    def q(u):
        x = z(u)
        return x + (x**2 - 1) * s_h / 6 + (x**3 - 3 * x) * k_h / 24 - (2 * x**3 - 5 * x) * s_h**2 / 36
    grid = np.linspace(-60, 60, 600001)
    slope = 1 + grid * s_h / 3 + (grid**2 - 1) * k_h / 8 - (6 * grid**2 - 5) * s_h**2 / 36
    es = -scipy.integrate.quad(q, 0, 1 - c, epsabs=1e-15, epsrel=1e-11, limit=500)[0] / (1 - c)
    rows.append({"mean": m, "sd": s, "skewness": sk, "kurtosis": ku, "confidence": c, "h": h, "valid": bool(slope.min() >= 0),
                 "var": float(-s * np.sqrt(h) * q(1 - c) - m * h), "es": float(s * np.sqrt(h) * es - m * h)})
group("cornish_fisher", f"scipy {scipy.__version__} stats.norm.ppf in the expansion; shortfall by integrate.quad of the quantile "
      "function; validity by its slope on a grid of ±60", rows=rows)
group("ewma", f"pandas {pd.__version__}: (r**2).ewm(alpha=1-λ, adjust=True).mean()",
      rows=[{"lambda": lam, "variance": float((pd.Series(pnl) ** 2).ewm(alpha=1 - lam, adjust=True).mean().iloc[-1])} for lam in [.94, .97, .5]])

# --- covariance ----------------------------------------------------------------------------------------------------
cov = np.cov(returns)
lw = LedoitWolf().fit(returns.T)
ewma = np.array([[float((pd.Series(a * b)).ewm(alpha=.06, adjust=True).mean().iloc[-1]) for b in returns] for a in returns])
group("covariance", f"numpy {np.__version__} cov, corrcoef, linalg.eigvalsh, linalg.cond, linalg.cholesky; scikit-learn {sklearn.__version__} "
      f"LedoitWolf; pandas ewm for EWMA", sample=clean(cov), correlation=clean(np.corrcoef(returns)), eigenvalues=clean(np.linalg.eigvalsh(cov)),
      condition=float(np.linalg.cond(cov)), cholesky=clean(np.linalg.cholesky(cov)), ledoit_wolf=clean(lw.covariance_),
      shrinkage=float(lw.shrinkage_), ewma=clean(ewma))
wide = np.round(rng.standard_normal((40, 12)) @ rng.standard_normal((12, 12)), 5)
lw2 = LedoitWolf().fit(wide)
group("ledoit_wolf_wide", f"scikit-learn {sklearn.__version__} LedoitWolf, 12 series, 40 observations", series=clean(wide.T),
      covariance=clean(lw2.covariance_), shrinkage=float(lw2.shrinkage_))


# --- components ----------------------------------------------------------------------------------------------------
def complex_step(fun, w):
    out = []
    for i in range(len(w)):
        x = w.astype(complex)
        x[i] += 1e-30j
        out.append(fun(x).imag / 1e-30)
    return out


def parametric(w):
    return -z(.01) * np.sqrt(w @ cov @ w) - (w @ returns.mean(axis=1))


def modified(w):
    p = w @ returns
    d = p - p.mean()
    m2, m3, m4 = (d**2).mean(), (d**3).mean(), (d**4).mean()
    s, k, x = m3 / m2**1.5, m4 / m2**2 - 3, z(.01)
    q = x + (x**2 - 1) * s / 6 + (x**3 - 3 * x) * k / 24 - (2 * x**3 - 5 * x) * s**2 / 36
    return -p.mean() - np.sqrt(m2 * 250 / 249) * q


def without(fun):
    return [float(np.real(fun(weights) - fun(np.where(np.arange(4) == i, 0, weights)))) for i in range(4)]


group("components", "numpy complex-step derivatives of the VaR formula (step 1e-30); incremental by leaving each position out; 99 %",
      parametric={"total": float(parametric(weights)), "marginal": complex_step(parametric, weights), "incremental": without(parametric)},
      cornish_fisher={"total": float(modified(weights)), "marginal": complex_step(modified, weights), "incremental": without(modified)})

# --- performance ---------------------------------------------------------------------------------------------------
bench = returns[0]
wealth = pd.Series(np.concatenate([[1], np.cumprod(1 + pnl)]))
dd = 1 - wealth / wealth.cummax()
trough = int(dd.idxmax())
peak = int(wealth[: trough + 1].idxmax())
after = wealth[trough:][wealth[trough:] >= wealth[peak]]
rf = .0001
ols = sm.OLS(pnl - rf, sm.add_constant(bench - rf)).fit()
annual = float(np.prod(1 + pnl) ** (252 / 250) - 1)
annual_b = float(np.prod(1 + bench) ** (252 / 250) - 1)
te = float((pnl - bench).std(ddof=1) * np.sqrt(252))
group("performance", f"pandas {pd.__version__} cummax; statsmodels {statsmodels.__version__} OLS; numpy",
      risk_free=rf, depth=float(dd.max()), peak=peak, trough=trough, recovery=int(after.index[0]) if len(after) else None,
      sharpe=float((pnl - rf).mean() / (pnl - rf).std(ddof=1) * np.sqrt(252)),
      sortino=float((pnl.mean() - rf) / np.sqrt((np.minimum(pnl - rf, 0) ** 2).mean()) * np.sqrt(252)),
      annual=annual, calmar=annual / float(dd.max()), alpha=float(ols.params[0]), beta=float(ols.params[1]), tracking_error=te,
      information_ratio=(annual - annual_b) / te)

# --- backtests -----------------------------------------------------------------------------------------------------
group("kupiec", f"scipy {scipy.__version__}: 2·(binom.logpmf at the observed rate − at α), chi2.sf",
      rows=[[n, x, a, float(2 * (st.binom.logpmf(x, n, x / n) - st.binom.logpmf(x, n, a))),
             float(st.chi2.sf(2 * (st.binom.logpmf(x, n, x / n) - st.binom.logpmf(x, n, a)), 1))]
            for n, x, a in [(250, 5, .01), (1000, 3, .01), (1000, 70, .05), (255, 7, .05), (250, 0, .01)]])
hits = (rng.random(500) < .05).astype(int)
hits[100:104] = 1
n00, n01, n10, n11 = [int(((hits[:-1] == a) & (hits[1:] == b)).sum()) for a, b in [(0, 0), (0, 1), (1, 0), (1, 1)]]
g, p_value, _, _ = st.chi2_contingency([[n00, n01], [n10, n11]], correction=False, lambda_="log-likelihood")
group("christoffersen", f"scipy {scipy.__version__} stats.chi2_contingency(lambda_='log-likelihood') of the transition table",
      hits=hits.tolist(), transitions=[n00, n01, n10, n11], statistic=float(g), p_value=float(p_value))

# --- Sobol points --------------------------------------------------------------------------------------------------
engine = st.qmc.Sobol(256, scramble=False, bits=32)
points = engine.random(1024)
picks = [[i, d] for i in (0, 1, 2, 3, 7, 100, 511, 1023) for d in (0, 1, 2, 3, 6, 49, 100, 255)]
group("sobol", f"scipy {scipy.__version__} stats.qmc.Sobol(scramble=False), itself checked against Joe and Kuo's own points; rows are "
      "index, dimension (from 0), coordinate", rows=[[i, d, float(points[i, d])] for i, d in picks])

# --- an indefinite matrix ------------------------------------------------------------------------------------------
bad = np.array([[1.0, .9, -.9], [.9, 1.0, .9], [-.9, .9, 1.0]]) * np.outer([.01, .02, .03], [.01, .02, .03])
lam, vec = np.linalg.eigh(bad)
psd = vec @ np.diag(np.maximum(lam, 0)) @ vec.T
scale = np.sqrt(np.diag(bad) / np.diag(psd))
psd = psd * np.outer(scale, scale)
e = np.array([1.0, -1.0, 1.0])
group("psd_repair", f"numpy {np.__version__}: linalg.eigh, eigenvalues clipped at 0, rows rescaled to the variances (Rebonato and Jäckel 1999)",
      matrix=clean(bad), repaired=clean(psd), exposures=clean(e), variance=float(e @ bad @ e), repaired_variance=float(e @ psd @ e))

out = pathlib.Path(__file__).with_name("golden.json")
out.write_text(json.dumps(groups, indent=None, separators=(",", ":"), ensure_ascii=False).replace('},"', '},\n"') + "\n")
print(out, out.stat().st_size, "bytes")

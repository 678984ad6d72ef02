"""An Apache of Debian, with the modules, formats and directives that a test names."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.parsing import real_servers

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

COMBINED = r"%h %l %u %t \"%r\" %>s %b \"%{Referer}i\" \"%{User-Agent}i\""
COMMON = r"%h %l %u %t \"%r\" %>s %b"
VHOST = r"%v:%p %h %l %u %t \"%r\" %>s %O \"%{Referer}i\" \"%{User-Agent}i\""
NEEDED = "mpm_event authz_core authz_host authn_core authn_file auth_basic authz_user unixd dir alias rewrite mime"
FRAME = """
ServerRoot {folder}
ServerName edge.example.com
Listen 127.0.0.1:{port}
PidFile {folder}/pid
User #65534
Group #65534
Mutex posixsem
{modules}
TypesConfig /dev/null
ErrorLog {folder}/error.log
{logs}
DocumentRoot {folder}/html
{directives}
"""


@contextmanager
def running(folder: Path, port: int, directives: str, formats: Mapping[str, str], modules: str = "") -> Iterator[None]:
    """An Apache on `port` that writes `folder`/NAME.log in each of `formats`; without the program the test skips.

    `modules`: those that it needs beside NEEDED, those left out that are built in.
    """
    apache = real_servers.program("apache2")
    installed = real_servers.DEBIAN / "usr" / "lib" / "apache2" / "modules"
    found = {name: installed / f"mod_{name}.so" for name in f"{NEEDED} {modules}".split()}
    text = FRAME.format(
        folder=folder,
        port=port,
        modules="\n".join(f"LoadModule {name}_module {path}" for name, path in found.items() if path.exists()),
        logs="\n".join(
            f'LogFormat "{form}" {name}\nCustomLog {folder}/{name}.log {name}' for name, form in formats.items()
        ),
        directives=directives,
    )
    (folder / "httpd.conf").write_text(text)
    command = [apache, "-f", folder / "httpd.conf", "-DFOREGROUND"]
    with real_servers.running(command, port, folder / "said", real_servers.libraries()):
        yield

"""Opens regular files for reading, and says in words why one cannot be read."""

from __future__ import annotations

import errno
import os
import stat

OUT_OF_DESCRIPTORS = frozenset({errno.EMFILE, errno.ENFILE})
KINDS = {
    stat.S_IFDIR: "a directory",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a block device",
}
MAGICS = (
    (
        b"\x1f\x8b",
        "a gzip file under a name that does not say so",
        "Name it .gz, or read it once with `log-sentinel ingest`.",
    ),
    (
        b"\x28\xb5\x2f\xfd",
        "a zstd file under a name that does not say so",
        "Name it .zst, or read it once with `log-sentinel ingest`.",
    ),
    (b"\xff\xfe", "UTF-16 text", "Write the log as UTF-8, or convert it with `iconv -f utf-16 -t utf-8`."),
    (b"\xfe\xff", "UTF-16 text", "Write the log as UTF-8, or convert it with `iconv -f utf-16 -t utf-8`."),
    (b"SQLite format 3\0", "an SQLite database", "Name the log's own path."),
    (b"\x7fELF", "a program", "Name the log's own path."),
)
# A client can put odd bytes into a line; it must not be able to make us give up the file. So one clean line is enough,
# and little is no proof.
JUDGED_BYTES = 512
BINARY_SHARE = 0.05
CLEAN_LINE_BYTES = 20
TEXT_CONTROLS = b"\t\n\v\f\r\x1b"
CONTROLS = bytes(code for code in range(32) if code not in TEXT_CONTROLS) + b"\x7f"


class CannotRead(Exception):
    """A path that gives no lines now: `found` says what it is, `to_do` what helps. `gone`: nothing is there at all."""

    def __init__(self, path: str, found: str, to_do: str, *, gone: bool = False) -> None:
        super().__init__(f"{path}: {found}. {to_do}")
        self.path = path
        self.found = found
        self.to_do = to_do
        self.gone = gone


class OutOfDescriptors(CannotRead):
    """This process has no file descriptor left: nothing is wrong with the file."""


class PlainFile:
    """A regular file, open for reading. All reads are by offset; raises CannotRead when the disk gives an error."""

    def __init__(self, path: str, descriptor: int, found: os.stat_result) -> None:
        self.path = path
        self.key = (found.st_dev, found.st_ino)
        self._descriptor = descriptor

    @classmethod
    def open(cls, path: str) -> PlainFile:
        """Raises CannotRead; never blocks, whatever the path is."""
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
        except OSError as why:
            raise cannot_read(path, why) from None
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            os.close(descriptor)
            raise not_regular(path, found.st_mode)
        return cls(path, descriptor, found)

    def stat(self) -> os.stat_result:
        try:
            return os.fstat(self._descriptor)
        except OSError as why:
            raise cannot_read(self.path, why) from None

    def length(self) -> int:
        return self.stat().st_size

    def head(self, length: int) -> bytes:
        return self.read_at(0, length)

    def read_at(self, offset: int, length: int) -> bytes:
        try:
            return os.pread(self._descriptor, length, offset)
        except OSError as why:
            raise cannot_read(self.path, why) from None

    def data_from(self, offset: int) -> int:
        """The first byte at or after `offset` that was ever written: a hole in a file reads as NULs for gigabytes."""
        try:
            return os.lseek(self._descriptor, offset, os.SEEK_DATA)
        except OSError as why:
            # ENXIO: a hole to the end. Anything else: this file system cannot tell.
            return max(offset, self.stat().st_size) if why.errno == errno.ENXIO else offset

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def not_regular(path: str, mode: int) -> CannotRead:
    kind = KINDS.get(stat.S_IFMT(mode), "not a regular file")
    to_do = "Name a file in it, or a glob such as *.log." if stat.S_ISDIR(mode) else "Name a regular file."
    return CannotRead(path, f"is {kind}; only regular files are followed", to_do)


def cannot_read(path: str, why: OSError) -> CannotRead:
    """`why` in words, with what to do about it."""
    match why.errno:
        case errno.ENOENT | errno.ENOTDIR:
            return CannotRead(
                path,
                "there is no such file",
                "It is read from its beginning when it appears; check the path.",
                gone=True,
            )
        case errno.EACCES | errno.EPERM:
            return CannotRead(
                path,
                f"user {os.geteuid()} may not read it",
                "Add that user to the log's group (often adm), and let logrotate create the file with mode 0640.",
            )
        case errno.ENXIO:  # what open(2) says of these
            return CannotRead(
                path,
                "is a socket, or a device that is not there; only regular files are followed",
                "Name a regular file.",
            )
        case errno.ELOOP:
            return CannotRead(path, "its symbolic links lead in a circle", "Mend the links.")
        case code if code in OUT_OF_DESCRIPTORS:
            return OutOfDescriptors(
                path, "no file descriptor is left", "Raise the limit (LimitNOFILE=, ulimit -n). It is tried again."
            )
        case _:
            return CannotRead(
                path, f"the file system says: {why.strerror}", "Check the disk or the mount. It is tried again."
            )


def refuse_binary(path: str, head: bytes) -> None:
    """Raises CannotRead when `head`, the first bytes of a file, is no text. Leading NULs are a truncated log's hole."""
    head = head.lstrip(b"\0")
    for magic, found, to_do in MAGICS:
        if head.startswith(magic):
            raise CannotRead(path, f"is {found}", to_do)
    odd = len(head) - len(head.translate(None, CONTROLS))
    if len(head) < JUDGED_BYTES or odd <= BINARY_SHARE * len(head):
        return
    whole = head.split(b"\n")[:-1]
    if not any(len(line) >= CLEAN_LINE_BYTES and line == line.translate(None, CONTROLS) for line in whole):
        raise CannotRead(
            path, "is binary: its first bytes are no text", "Name a text log, or leave it out with `exclude`."
        )

"""Puts the published checkpoint client and server, `tracehub` 0.1.0, into the virtual environment this runs in.

Installing it with pip gives an empty package, from its wheel and from its source archive alike: the build looks for a
directory that the archive does not have. The modules are in the archive all the same, so they are copied, unchanged but
for one line of the server, which Python refuses to read: a `global` behind the first use of its name.
"""

import hashlib
import pathlib
import subprocess
import sys
import sysconfig
import tarfile
import tempfile

VERSION = "0.1.0"
SHA256 = "1838ec6816ac0a552a0ddc72677c41079473cf3302d11c8a2a6a1c47de99fa8e"

with tempfile.TemporaryDirectory() as directory:
    download = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", "tracehub"]
    subprocess.run([*download, "--dest", directory, f"tracehub=={VERSION}"], check=True)
    archive = pathlib.Path(directory, f"tracehub-{VERSION}.tar.gz")
    if hashlib.sha256(archive.read_bytes()).hexdigest() != SHA256:
        sys.exit(f"{archive.name} is not the published one")
    package = pathlib.Path(sysconfig.get_path("purelib"), "tracehub")
    package.mkdir(exist_ok=True)
    with tarfile.open(archive) as members:
        for module in ["__init__.py", "client.py", "server.py"]:
            content = members.extractfile(f"tracehub-{VERSION}/{module}").read()
            declaration = b"    global TRACEHUB_DB\r\n"
            if declaration in content:
                content = content.replace(declaration, b"").replace(b"def main():\r\n", b"def main():\r\n" + declaration)
            package.joinpath(module).write_bytes(content)

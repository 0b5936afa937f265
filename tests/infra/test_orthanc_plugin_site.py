import subprocess
from pathlib import Path

import pytest

from infra.orthanc import plugin_site
from infra.orthanc.plugin_site import PluginMissing, embedded_python, ensure_orthanc_site


@pytest.fixture
def repo_root(tmp_path, monkeypatch):
    """A repository with a lock file, where pip only notes that it ran."""
    lock = tmp_path / "infra" / "requirements" / "orthanc.txt"
    lock.parent.mkdir(parents=True)
    lock.write_text("cryptography==1")
    monkeypatch.setattr(plugin_site, "embedded_python", lambda: "3.11")
    monkeypatch.setattr(plugin_site.subprocess, "run", _pretend_to_install)
    return tmp_path


def _pretend_to_install(command: list[str], **_options: object) -> None:
    target = Path(command[command.index("--target") + 1])
    target.mkdir()
    (target / "command").write_text(" ".join(command))


def test_the_embedded_interpreter_is_read_from_what_the_plugin_links(tmp_path):
    (tmp_path / "plugin.so").write_bytes(b"\x7fELF...\x00libpython3.13.so.1.0\x00libc.so.6\x00")

    assert embedded_python(tmp_path / "plugin.so") == "3.13"


@pytest.mark.parametrize("content", [None, b"\x7fELF without python"])
def test_a_missing_plugin_is_named(tmp_path, content):
    if content:
        (tmp_path / "plugin.so").write_bytes(content)

    with pytest.raises(PluginMissing, match=r"plugin\.so"):
        embedded_python(tmp_path / "plugin.so")


def test_packages_are_installed_by_hash_for_the_embedded_interpreter(repo_root):
    command = (ensure_orthanc_site(repo_root) / "command").read_text()

    assert "--require-hashes" in command
    assert "--only-binary=:all:" in command
    assert "--python-version 3.11" in command


def test_an_installed_site_is_kept(repo_root, monkeypatch):
    site = ensure_orthanc_site(repo_root)
    monkeypatch.setattr(plugin_site.subprocess, "run", None)

    assert ensure_orthanc_site(repo_root) == site


def test_a_newer_lock_file_replaces_the_site(repo_root):
    (ensure_orthanc_site(repo_root) / "old").touch()
    (repo_root / "infra" / "requirements" / "orthanc.txt").write_text("cryptography==2")

    site = ensure_orthanc_site(repo_root)

    assert not (site / "old").exists()


def test_a_failed_installation_leaves_no_site(repo_root, monkeypatch):
    def fail(command: list[str], **options: object) -> None:
        _pretend_to_install(command)
        raise subprocess.CalledProcessError(1, "pip")

    monkeypatch.setattr(plugin_site.subprocess, "run", fail)

    with pytest.raises(subprocess.CalledProcessError):
        ensure_orthanc_site(repo_root)
    assert [path.name for path in (repo_root / "var").iterdir()] == ["orthanc-site.lock"]

"""`cma new`: exactly the promised files, private where they must be, all or nothing."""

import os
import stat
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from cma_toolkit.host_tools.cli.main import main
from cma_toolkit.host_tools.errors import CmaError, ExitCode
from cma_toolkit.host_tools.fleet.project import load_project
from cma_toolkit.host_tools.ports import deploy
from cma_toolkit.host_tools.project import new
from cma_toolkit.host_tools.project.new import create_project

SHOWN = ["app.py", "boards", "drivers", "fleet.toml", "inventory.csv", "secrets.toml", "tests"]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    create_project(tmp_path / "greenhouse")
    return tmp_path / "greenhouse"


def test_a_new_project_shows_exactly_the_promised_files(project: Path) -> None:
    found = sorted(path.name for path in project.iterdir())
    assert [name for name in found if not name.startswith(".")] == SHOWN
    assert [name for name in found if name.startswith(".")] == [".gitignore"]
    assert all(any((project / name).iterdir()) for name in ("boards", "drivers", "tests"))


def test_a_new_project_is_consistent_and_named_after_its_folder(project: Path) -> None:
    loaded = load_project(project)
    assert loaded.fleet.name == "greenhouse"
    assert [row.name for row in loaded.rows][:2] == ["greenhouse-01", "greenhouse-02"]
    assert {row.cluster for row in loaded.rows} == {"greenhouse"}


def test_two_projects_do_not_share_a_network(tmp_path: Path) -> None:
    networks = set()
    for number in range(6):
        create_project(tmp_path / f"fleet-{number}")
        text = (tmp_path / f"fleet-{number}" / "fleet.toml").read_text("utf-8")
        networks.add(tomllib.loads(text)["network"])
    assert len(networks) > 1 and all(1 <= network <= 65535 for network in networks)


def test_the_comments_of_fleet_toml_stay(project: Path) -> None:
    text = (project / "fleet.toml").read_text("utf-8")
    assert "# What the boards of this fleet share." in text
    assert "agents hear only their own network" in text


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps permissions elsewhere")
def test_secrets_are_for_the_owner_alone(project: Path) -> None:
    assert stat.S_IMODE((project / "secrets.toml").stat().st_mode) == 0o600


def test_git_never_sees_the_secrets(project: Path) -> None:
    def git(*words: str) -> str:
        command = ["git", "-C", str(project), *words]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    git("init", "-q")
    (project / ".cma").mkdir()
    (project / ".cma" / "fleet.db").touch()
    (project / "release.backup").touch()  # of a signing key, where the manual has it written
    git("add", ".")
    tracked = git("ls-files").split()
    assert not {"secrets.toml", ".cma/fleet.db", "release.backup"} & set(tracked)
    assert {"app.py", "fleet.toml", ".gitignore"} <= set(tracked)


def test_application_and_drivers_are_accepted_by_micropython(project: Path) -> None:
    files = deploy.project_files(project / "app.py")
    assert {"/user/app.py", "/user/drivers/soil.py", "/user/drivers/pump.py"} <= set(files)
    deploy.check_syntax(files)


def test_the_projects_own_tests_pass(project: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "[cpython]" not in done.stdout and " skipped" not in done.stdout
    assert int(done.stdout.split(" passed")[0].split()[-1]) >= 6


@pytest.mark.parametrize("name", ["no good", "-x", "a" * 29, "ünique"])
def test_a_name_that_no_fleet_can_have_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(CmaError) as caught:
        create_project(tmp_path / name)
    assert caught.value.code is ExitCode.USAGE
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "app.py").write_text("precious")
    with pytest.raises(CmaError, match="not empty") as caught:
        create_project(tmp_path / "mine")
    assert caught.value.code is ExitCode.USAGE
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["app.py"]
    assert (tmp_path / "mine" / "app.py").read_text() == "precious"


def test_an_empty_folder_is_filled(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    create_project(tmp_path / "empty")
    assert load_project(tmp_path / "empty").fleet.name == "empty"


def test_a_project_that_is_cut_short_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_arguments: object) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(new, "_rendered", interrupted)
    with pytest.raises(KeyboardInterrupt):
        create_project(tmp_path / "half")
    assert list(tmp_path.iterdir()) == []


def test_the_command_says_what_to_type_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as left:
        main(["new", "greenhouse"])
    assert left.value.code == 0
    shown = capsys.readouterr().out
    assert [word for word in ("cd greenhouse", "pytest -q", "cma sim") if word not in shown] == []
    with pytest.raises(SystemExit) as again:
        main(["new", "greenhouse"])
    assert again.value.code == 2
    assert "Choose another name." in capsys.readouterr().err

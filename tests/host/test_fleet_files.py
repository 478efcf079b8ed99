"""fleet.toml, inventory.csv, secrets.toml: what is accepted, each refusal in one sentence."""

import os
from pathlib import Path

import pytest

from cma_toolkit.host_tools.errors import CmaError, ExitCode
from cma_toolkit.host_tools.fleet.fleet_file import FleetFile, parse_fleet
from cma_toolkit.host_tools.fleet.inventory import Row, parse_inventory
from cma_toolkit.host_tools.fleet.mac import normal_mac
from cma_toolkit.host_tools.fleet.project import load_project
from cma_toolkit.host_tools.fleet.schemas import FILES, FOLDER, render
from cma_toolkit.host_tools.fleet.secrets_file import load_secrets, parse_secrets

PASSWORD = "correct horse battery"
BOARDS = ["esp32-devkitc", "esp32-c3-devkitm-1"]
FLEET = """
name = "greenhouse"
network = 7
cluster = "north"

[clusters.north]
wifi = ["shed", "house"]
settings = { sample_ms = 30000 }
[clusters.south]

[settings.sample_ms]
type = "int"
default = 60000
min = 1000
[settings.factor]
type = "float"
default = 1
[settings.pump]
type = "bool"
default = true
[settings.note]
type = "text"
default = ""
"""


def fleet(text: str = FLEET) -> FleetFile:
    return parse_fleet(text)


def rows(text: str, of: str = FLEET) -> list[Row]:
    return parse_inventory(text, fleet(of), BOARDS)


def refusal(text: str, of: str = FLEET) -> str:
    with pytest.raises(CmaError) as caught:
        rows(text, of)
    assert caught.value.code is ExitCode.USAGE
    return caught.value.message


def fleet_refusal(text: str) -> str:
    with pytest.raises(CmaError) as caught:
        fleet(text)
    assert caught.value.code is ExitCode.USAGE
    return caught.value.message


def test_a_row_takes_what_it_leaves_out_from_its_cluster_and_the_fleet() -> None:
    (row,) = rows("name\nbox-1\n")
    assert (row.cluster, row.wifi, row.board, row.mac) == ("north", "shed", "", "")
    assert row.settings == {"factor": 1.0, "note": "", "pump": True, "sample_ms": 30000}
    assert type(row.settings["factor"]) is float


def test_a_row_says_it_all_itself() -> None:
    (row,) = rows(
        "name,board,mac,labels,cluster,wifi,set.sample_ms,set.pump,set.factor,set.note\n"
        "box-1,esp32-devkitc,A4-CF-12-00-00-01,roof  bed=2 roof,south,-,2000,off,0.5,a b\n"
    )
    assert row.mac == "a4:cf:12:00:00:01"
    assert (row.labels, row.cluster, row.wifi) == (("roof", "bed=2"), "south", "")
    assert row.settings == {"factor": 0.5, "note": "a b", "pump": False, "sample_ms": 2000}


def test_comments_blank_lines_and_a_spreadsheets_habits_are_fine() -> None:
    text = "\ufeff# ours\nname;board;labels\n\n# later\nbox-1;esp32-devkitc;a b\n;;\n"
    (row,) = rows(text.removeprefix("\ufeff"))
    assert (row.line, row.name, row.labels) == (5, "box-1", ("a", "b"))


def test_lines_are_counted_through_quoted_line_breaks() -> None:
    message = refusal('name,set.note\nbox-1,"two\nlines"\nbox 2,\n')
    assert message.startswith("inventory.csv line 4, column name")


def test_without_clusters_in_the_fleet_any_cluster_and_network_will_do() -> None:
    bare = 'name = "g"\nnetwork = 1\n'
    assert [
        (row.cluster, row.wifi) for row in rows("name,cluster,wifi\na,x,any\nb,,\n", bare)
    ] == [
        ("x", "any"),
        ("g", ""),
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ["empty", "name,board"]),
        ("nam,board\n", ['unknown column 1 "nam"', 'did you mean "name"']),
        ("board\n", ['no column "name"']),
        ("name,name\n", ['"name" is there twice']),
        ("name,set.sampel_ms\n", ['"set.sampel_ms"', '"set.sample_ms"', "[settings]"]),
        ("name\na\nb\na\n", ["line 4, column name", '"a" is on line 2 too']),
        ("name\na\nA\n", ["line 3, column name", "on line 2"]),
        (
            "name,mac\na,a4cf12000001\nb,A4:CF:12:00:00:01\n",
            ["line 3, column mac", '"a4:cf:12:00:00:01" is on line 2 too'],
        ),
        ("name,mac\na,12\n", ["line 2, column mac", '"12"', "a4:cf:12:00:00:01"]),
        ("name,mac\na,ff:ff:ff:ff:ff:ff\n", ["column mac", "one board"]),
        ("name,board\na,esp32-devkitd\n", ["column board", 'did you mean "esp32-devkitc"']),
        ("name,cluster\na,nort\n", ["column cluster", 'did you mean "north"']),
        ("name,wifi\na,sched\n", ["column wifi", 'did you mean "shed"', '"-"']),
        ("name,labels\na,x&y\n", ["column labels", '"x&y"']),
        ("name,labels\na," + " ".join(f"l{n}" for n in range(17)) + "\n", ["17 labels"]),
        ("name,set.sample_ms\na,fast\n", ["column set.sample_ms", '"fast"', "a whole number"]),
        ("name,set.sample_ms\na,10\n", ["column set.sample_ms", "at least 1000"]),
        ("name,set.sample_ms\na,9999999999\n", ["column set.sample_ms", "a whole number from"]),
        ("name,set.pump\na,perhaps\n", ["column set.pump", "true or false"]),
        ("name,set.factor\na,inf\n", ["column set.factor", "finite"]),
        ("name\na,b\n", ["line 2", "2 cells", "quotes"]),
        ('name\n"a\n', ["line 2", "not valid CSV"]),
        ("name\nbox 1\n", ["line 2, column name", "box 1"]),
    ],
)
def test_a_wrong_line_is_named_with_its_column(text: str, words: list[str]) -> None:
    message = refusal(text)
    assert message.startswith("inventory.csv")
    assert [word for word in words if word not in message] == [], message


def test_a_setting_without_default_needs_a_value() -> None:
    text = 'name = "g"\nnetwork = 1\n[settings.zone]\ntype = "int"\n'
    assert "line 2, column set.zone" in refusal("name\na\n", text)
    assert rows("name,set.zone\na,3\n", text)[0].settings == {"zone": 3}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('name = "g"\nnetwrok = 1\n', ['unknown key "netwrok"', 'did you mean "network"']),
        (
            'name = "g"\nnetwork = 1\n[clusters.a]\nwify = []\n',
            ['"wify" in [clusters.a]', '"wifi"'],
        ),
        ('name = "g"\nnetwork = 1\n[settings.x]\ntype = "number"\n', ["settings", "type"]),
        ('name = "g"\nnetwork = "one"\n', ["network", "a whole number"]),
        ('name = "g"\nnetwork = 0\n', ["network", "of at least 1"]),
        ('name = "g h"\nnetwork = 1\n', ["name"]),
        ("network = 1\n", ["name"]),
        ('name = "g\n', ["not valid TOML", "line 1"]),
        ('name = "g"\nnetwork = 1\ncluster = "a"\n', ['cluster = "a"']),
        ('name = "g"\nnetwork = 1\n[clusters.a]\nwifi = [""]\n', ["clusters.a.wifi"]),
        (
            'name = "g"\nnetwork = 1\n[clusters.a]\nsettings = { x = 1 }\n',
            ['unknown key "x" in [clusters.a.settings]'],
        ),
        (
            'name = "g"\nnetwork = 1\n[settings.x]\ntype = "int"\ndefault = true\n',
            ["settings.x.default", "a whole number"],
        ),
        ('name = "g"\nnetwork = 1\n[settings.network]\ntype = "int"\n', ['"network"', "ours"]),
        ('name = "g"\nnetwork = 1\n[station]\nlabel = ["{nam}"]\n', ['"{nam}"', '"name"']),
    ],
)
def test_a_wrong_fleet_file_names_the_file_and_the_key(text: str, words: list[str]) -> None:
    message = fleet_refusal(text)
    assert message.startswith("fleet.toml: ")
    assert [word for word in words if word not in message] == [], message


def test_passwords_are_read_and_shown_to_nobody() -> None:
    secrets = parse_secrets(f'[wifi]\n"shed" = "{PASSWORD}"\n')
    assert secrets["shed"].reveal() == PASSWORD
    shown = f"{secrets} {secrets['shed']} {secrets['shed']!s:>5} {[secrets['shed']]!r}"
    assert PASSWORD not in shown
    with pytest.raises(TypeError):
        __import__("pickle").dumps(secrets["shed"])


@pytest.mark.parametrize(
    "text",
    [
        f'[wifi]\n"shed" = "{PASSWORD}\n',
        f"[wifi]\nshed = {PASSWORD}\n",
        f'[wifi]\nshed = ["{PASSWORD}"]\n',
        f'[wifi]\nshed = {{ password = "{PASSWORD}" }}\n',
        f'wifi = "{PASSWORD}"\n',
        f'[wify]\nshed = "{PASSWORD}"\n',
        f'[wifi]\nshed = "{PASSWORD * 4}"\n',
        '[wifi]\nshed = "short"\n',
    ],
)
def test_a_wrong_secrets_file_is_refused_without_quoting_it(text: str) -> None:
    with pytest.raises(CmaError) as caught:
        parse_secrets(text)
    assert caught.value.code is ExitCode.USAGE
    assert caught.value.message.startswith("secrets.toml: ")
    assert PASSWORD not in str(caught.value) and "short" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps permissions elsewhere")
def test_a_secrets_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "secrets.toml"
    path.write_text("[wifi]\n")
    path.chmod(0o644)
    with pytest.raises(CmaError, match=r"mode 644.*chmod 600 secrets.toml"):
        load_secrets(path)
    path.chmod(0o600)
    assert load_secrets(path) == {}


def project(folder: Path, inventory: str, secrets: str = "") -> None:
    (folder / "fleet.toml").write_text(FLEET)
    (folder / "inventory.csv").write_text(inventory)
    (folder / "secrets.toml").write_text(secrets)
    (folder / "secrets.toml").chmod(0o600)


def test_a_missing_password_names_the_network_and_the_file(tmp_path: Path) -> None:
    project(tmp_path, "name\nbox-1\n", f'[wifi]\nhouse = "{PASSWORD}"\n')
    with pytest.raises(CmaError) as caught:
        load_project(tmp_path)
    assert caught.value.code is ExitCode.USAGE
    assert '"shed" of box-1' in caught.value.message and "secrets.toml" in caught.value.message


def test_a_project_knows_its_own_boards_beside_ours(tmp_path: Path) -> None:
    project(tmp_path, "name,board,wifi\nbox-1,mine,-\n")
    with pytest.raises(CmaError, match='unknown board "mine"'):
        load_project(tmp_path)
    ours = Path(__file__).parents[2] / "boards" / "esp32-devkitc.toml"
    (tmp_path / "boards").mkdir()
    (tmp_path / "boards" / "mine.toml").write_bytes(ours.read_bytes())
    assert load_project(tmp_path).rows[0].board == "mine"


@pytest.mark.parametrize("text", ["a4cf12000001", "A4:CF:12:00:00:01", "a4-cf-12-00-00-01"])
def test_a_mac_may_be_written_in_any_usual_way(text: str) -> None:
    assert normal_mac(text) == "a4:cf:12:00:00:01"


@pytest.mark.parametrize("name", FILES)
def test_the_committed_schemas_are_those_of_the_types(name: str) -> None:
    made = render(FILES[name])
    assert (FOLDER / name).read_text("utf-8") == made, (
        "run: python -m cma_toolkit.host_tools.fleet.schemas"
    )

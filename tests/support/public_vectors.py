"""The vectors of the package `cryptography_vectors`, in the form of `crypto_vectors.py`.

It is fetched once into a folder of its own: 56 MB that no test needs.
"""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "build" / "crypto_vectors"
PACKAGE = "cryptography_vectors"
VERSION = "50.0.2"
DIGEST = "sha256:51641f03a3eb4edbe9fb68e3a3574d25f86aa502d06391fffa886330d02778a0"
# Of the lengths that SP 800-38C allows, those of our nonce.
NONCE_BYTES = "13"


def fetch(say: Callable[[str], None]) -> Path:
    """Return the folder of the vectors; install the package there if need be."""
    done = FOLDER / f".{VERSION}"
    if not done.exists():
        say(f"fetching {PACKAGE} {VERSION}")
        FOLDER.mkdir(parents=True, exist_ok=True)
        pinned = FOLDER / "requirements.txt"
        pinned.write_text(f"{PACKAGE}=={VERSION} --hash={DIGEST}\n")
        target = ["--no-deps", "--upgrade", "--target", str(FOLDER), "-r", str(pinned)]
        subprocess.run(
            [sys.executable, "-m", "pip", "install", "-qq", "--require-hashes", *target],
            check=True,
        )
        done.touch()
    return FOLDER / PACKAGE


def _records(path: Path, last: tuple[str, ...]) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield what was said so far at each line that names a field of `last`."""
    said: dict[str, str] = {}
    for line in path.read_text().splitlines():
        text = line.strip()
        if text.startswith("#") or "=" not in text:
            continue
        for part in text.strip("[]").split(",") if text.startswith("[") else [text]:
            name, _, value = part.partition("=")
            said[name.strip()] = value.strip()
            if name.strip() in last:
                yield name.strip(), said


def _data(said: dict[str, str], name: str, length: str) -> str:
    """Return a text, which stands as one zero where its length is none."""
    return said[name] if int(said[length]) else ""


def _ccm(folder: Path) -> Iterator[list[Any]]:
    for name in ("DVPT128", "VADT128", "VNT128", "VPT128", "VTT128"):
        for field, said in _records(folder / f"{name}.rsp", ("CT", "Payload", "Result")):
            # One of two orders: Payload and CT, or CT, Result and, if it is genuine, Payload.
            decrypts = name == "DVPT128"
            is_genuine = said.get("Result") != "Fail"
            end = ("Payload" if is_genuine else "Result") if decrypts else "CT"
            if field != end or said["Nlen"] != NONCE_BYTES:
                continue
            aad = _data(said, "Adata", "Alen")
            plaintext = _data(said, "Payload", "Plen") if is_genuine else ""
            tag_bytes = int(said["Tlen"])
            yield [
                *(said["Key"], said["Nonce"], aad, plaintext, said["CT"]),
                *(tag_bytes, int(is_genuine)),
            ]


def _ed25519(path: Path) -> Iterator[list[str]]:
    for line in path.read_text().splitlines():
        private, public, message, signature = line.split(":")[:4]
        yield [private[:64], public, message, signature[:128]]


def load(folder: Path) -> dict[str, list[list[Any]]]:
    """Return all vectors, kind by kind."""
    found: dict[str, list[list[Any]]] = {"ed25519": [], "hkdf": [], "sha512": []}
    found["ccm"] = list(_ccm(folder / "ciphers" / "AES" / "CCM"))
    found["ed25519"] = list(_ed25519(folder / "asymmetric" / "Ed25519" / "sign.input"))
    found["x25519"] = [
        [said["INPUT_SCALAR"], said["INPUT_U"], said["OUTPUT_U"]]
        for _, said in _records(folder / "asymmetric/X25519/rfc7748.txt", ("OUTPUT_U",))
    ]
    found["hmac"] = [
        [said["Key"], said["Msg"], said["MD"]]
        for _, said in _records(folder / "HMAC" / "rfc-4231-sha256.txt", ("MD",))
    ]
    for name in ("rfc-5869-HKDF-SHA256", "hkdf-generated"):
        for _, said in _records(folder / "KDF" / f"{name}.txt", ("OKM",)):
            if said["Hash"] == "SHA-256":
                parts = [said.get(part, "") for part in ("IKM", "salt", "info", "PRK", "OKM")]
                found["hkdf"].append(parts)
    for name in ("SHA512ShortMsg", "SHA512LongMsg"):
        for _, said in _records(folder / "hashes" / "SHA2" / f"{name}.rsp", ("MD",)):
            found["sha512"].append([_data(said, "Msg", "Len"), said["MD"]])
    return found

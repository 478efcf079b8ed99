"""How `cma release` shows releases, keys and signatures."""

import json
import time
from hashlib import sha256
from pathlib import Path
from typing import Any

import click

from cma_toolkit.firmware.kernel.release.envelope import Envelope
from cma_toolkit.firmware.kernel.release.trust import ROLE_RELEASE, ROLES, Root, Trust
from cma_toolkit.host_tools.cli.progress import Output, print_table
from cma_toolkit.host_tools.image import mpy
from cma_toolkit.host_tools.release import second
from cma_toolkit.host_tools.release.artefact import Part, Release
from cma_toolkit.host_tools.release.documents import key_id, open_envelope
from cma_toolkit.host_tools.release.procedures import Office, Signed


def how_far(signed: Signed) -> str:
    """Return how far the signing of something is, as a sentence goes on."""
    text = f"{signed.count} of {signed.threshold} keys"
    return text + ("." if signed.is_enough else ": sign it where the others are, too.")


def release(made: Release, path: Path, trust: Trust | None, output: Output) -> None:
    """Print what a release is."""
    parts = [_part(part, trust) for part in made.parts]
    runtimes = [{"build": part.architecture, **_part(part, trust)} for part in made.runtimes]
    seconds = [second.key_id(public) for public, _ in made.seconds]
    if output == "json":
        fields: dict[str, Any] = {"file": str(path), "name": made.name}
        fields["sequence"] = made.sequence
        fields["ed25519"] = seconds
        fields |= {"digest": made.digest, "parts": parts, "micropython": runtimes}
        click.echo(json.dumps(fields))
        return
    click.echo(f"{path}: {made.name}, release {made.sequence}")
    click.echo(f"  digest {made.digest}")
    if seconds:
        click.echo(f"  signed by Ed25519 {', '.join(seconds)}, which boards do not look at")
    for part in parts + runtimes:
        what = f"image of {part['bytes']} bytes for {', '.join(part['chips'])}"
        if "build" in part:
            what = f"MicroPython of release {part['sequence']}, {part['bytes']} bytes, for boards "
            what += f"with {part['build']}"
        click.echo(f"  {what}")
        rows = {
            "index": part["index"],
            "needs": _needs(part),
            "manifest": f"{part['manifest_bytes']} bytes",
            "signed by": ", ".join(part["signed_by"]) or "nobody yet",
            "boards": part["boards"],
        }
        for name, text in rows.items():
            if text:
                click.echo(f"    {name.ljust(10)}{text}")


def keys(office: Office, root: Root, output: Output) -> None:
    """Print the keys of each role."""
    names = {office.keys.public(name): name for name in office.keys.names()}
    rows = []
    for role, (threshold, held) in zip(ROLES, root.roles, strict=True):
        for public in held:
            name = names.get(public)
            left = office.keys.left(name) if name else None
            rows.append(
                {
                    "role": role,
                    "threshold": threshold,
                    "keys": len(held),
                    "id": key_id(public).hex(),
                    "name": name,
                    "signatures_left": left,
                }
            )
    if output == "json":
        click.echo(json.dumps({"root_version": root.version, "keys": rows}))
        return
    print_table(
        ("role", "signs", "key", "id", "signatures left"),
        [
            (
                str(row["role"]),
                f"{row['threshold']} of {row['keys']}",
                str(row["name"] or "not here"),
                str(row["id"]),
                "" if row["name"] is None else str(row["signatures_left"]),
            )
            for row in rows
        ],
    )


def _part(part: Part, trust: Trust | None) -> dict[str, Any]:
    manifest = part.manifest
    return {
        "chips": _chips(part),
        "bytes": manifest.size_bytes,
        "index": manifest.digest.hex(),
        "class": manifest.class_id.hex(),
        "sequence": manifest.sequence,
        "security_counter": manifest.security_counter,
        "mpy": f"{manifest.mpy >> 8}.{manifest.mpy & 255}",
        "battery_mv": manifest.battery_mv,
        "after": manifest.after,
        "runtime": manifest.runtime,
        "manifest_bytes": len(open_envelope(part.envelope)[0]),
        "signed_by": _signers(part, trust),
        "boards": _boards(part, trust),
    }


def _needs(part: dict[str, Any]) -> str:
    needs = [f".mpy {part['mpy']}"]
    if part["battery_mv"]:
        needs.append(f"a battery of {part['battery_mv']} mV")
    if part["after"]:
        needs.append(f"release {part['after']} before it")
    if part["runtime"]:
        needs.append(f"MicroPython of release {part['runtime']}, where it comes over the air")
    if part["security_counter"]:
        needs.append(f"a security counter of {part['security_counter']} at most")
    return ", ".join(needs)


def _signers(part: Part, trust: Trust | None) -> list[str]:
    """Return the ids of the keys that signed; of others the signature is not looked at."""
    held = trust.root.roles[ROLE_RELEASE][1] if trust else []
    envelope = Envelope(part.envelope)
    good = {key_id(key) for key in held if envelope.is_signed([key], 1)}
    return [
        one.hex() + ("" if one in good else " (not a good signature of a release key)")
        for one, _ in open_envelope(part.envelope)[1]
    ]


def _boards(part: Part, trust: Trust | None) -> str:
    if trust is None:
        return ""
    if not trust.root.is_signed(ROLE_RELEASE, Envelope(part.envelope), (sha256,)):
        return "refuse it: not signed by enough keys"
    if part.digest not in trust.current:
        return "refuse it: it is not the published one"
    if min(trust.expires_s, trust.root.expires_s) < time.time():
        return "refuse it: what is current has expired, see cma release refresh"
    return "take it"


def _chips(part: Part) -> list[str]:
    return [
        chip
        for family, chips in mpy.FAMILIES.items()
        for chip in chips
        if part.architecture in (mpy.PORTABLE, family)
    ]

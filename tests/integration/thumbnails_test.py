# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""images.thumbnails: the program by itself, as a job, and as its synchronous twin."""

import json
import os
import shutil
import subprocess

import pytest

import harness

PROGRAM = harness.ROOT / "services/worker/examples/images/thumbnails"
PHOTOGRAPHS = "/usr/share/backgrounds/mate/nature"
EX_DATAERR = 65


def run(payload, text=None):
    """Runs the program as the exec handler does; returns (exit code, result, progress)."""
    reader, writer = os.pipe()
    process = subprocess.Popen(
        ["bash", "-c", f'exec 3>&{writer}; exec "$0"', PROGRAM], pass_fds=[writer], text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    os.close(writer)
    out, err = process.communicate(text if text is not None else json.dumps(payload))
    with os.fdopen(reader) as pipe:
        progress = [json.loads(line) for line in pipe]
    return process.returncode, json.loads(out) if out else err, progress


@pytest.fixture
def pictures(tmp_path):
    directory = tmp_path / "pictures"
    directory.mkdir()
    for name in ("Aqua.jpg", "Dune.jpg"):
        shutil.copy(f"{PHOTOGRAPHS}/{name}", directory)
    return directory


def payload_for(pictures, **more):
    return {"directory": str(pictures), "output": str(pictures.parent / "out"), **more}


def size_of(picture):
    return tuple(int(subprocess.run(["vipsheader", "-f", side, picture], check=True,
                                    capture_output=True, text=True).stdout)
                 for side in ("width", "height"))


def test_makes_thumbnails_previews_and_a_contact_sheet(pictures):
    code, result, progress = run(payload_for(pictures, size=128.0, previews=[320]))
    out = pictures.parent / "out"
    assert code == 0
    assert (result["pictures"], result["thumbnails"], result["failed"]) == (2, 2, [])
    assert sorted(path.name for path in out.iterdir()) == [
        "Aqua-128.webp", "Aqua-320.webp", "Dune-128.webp", "Dune-320.webp", "contact-sheet.jpg"]
    assert max(size_of(out / "Aqua-128.webp")) == 128
    assert max(size_of(out / "Aqua-320.webp")) == 320
    assert result["contact_sheet"] == str(out / "contact-sheet.jpg")
    assert [report["message"] for report in progress] == [
        "0 of 2: Aqua.jpg", "1 of 2: Dune.jpg", "contact sheet", "2 of 2 pictures"]
    fractions = [report["fraction"] for report in progress]
    assert fractions == sorted(fractions) and fractions[-1] == 1


def test_goes_on_where_an_earlier_attempt_stopped(pictures):
    run(payload_for(pictures))
    out = pictures.parent / "out"
    (out / "Dune-256.webp").unlink()
    kept = (out / "Aqua-256.webp").stat().st_ino
    code, result, _ = run(payload_for(pictures))
    assert (code, result["kept_from_an_earlier_attempt"], result["thumbnails"]) == (0, 1, 2)
    assert (out / "Aqua-256.webp").stat().st_ino == kept
    assert (out / "Dune-256.webp").exists()


def test_tells_of_a_picture_that_cannot_be_read(pictures):
    (pictures / "broken.png").write_bytes(b"no picture")
    code, result, _ = run(payload_for(pictures))
    assert (code, result["pictures"], result["thumbnails"]) == (0, 3, 2)
    assert [fault["picture"] for fault in result["failed"]] == ["broken.png"]


def test_takes_odd_names_and_odd_pictures(pictures):
    (pictures / "Aqua.jpg").rename(pictures / "a b's [1] %s ü.jpg")
    shutil.copy(pictures / "Dune.jpg", pictures / "Dune.jpeg")
    for name, bands in (("grey", 1), ("clear", 4)):
        subprocess.run(["vips", "black", pictures / f"{name}.png", "300", "200",
                        "--bands", str(bands)], check=True)
    code, result, _ = run(payload_for(pictures))
    assert (code, result["thumbnails"], result["failed"]) == (0, 5, [])
    # Two pictures of one stem do not share a thumbnail.
    assert {"Dune.jpg-256.webp", "Dune.jpeg-256.webp"} <= set(result["files"])


@pytest.mark.parametrize("payload, message", [
    ("", "not JSON"),
    ("[]", "must be an object"),
    ("{}", "directory must be an absolute path"),
    ('{"directory": "pictures", "output": "/x"}', "directory must be an absolute path"),
    ('{"directory": "/x", "output": 7}', "output must be an absolute path"),
    ('{"directory": "/x", "output": "/[x]"}', "output must not contain"),
    ('{"directory": "/no/such", "output": "/x"}', "/no/such cannot be read"),
    ('{"directory": "/etc", "output": "/x"}', "/etc has no pictures"),
    ('{"directory": "/etc", "output": "/x", "size": 1.5}', "size must be"),
    ('{"directory": "/etc", "output": "/x", "size": true}', "size must be"),
    ('{"directory": "/etc", "output": "/x", "previews": [9]}', "previews must be"),
    ('{"directory": "/etc", "output": "/x", "siez": 9}', "unknown field 'siez'"),
    (f'{{"directory": "{PHOTOGRAPHS}", "output": "/proc/x"}}', "/proc/x cannot be written"),
])
def test_a_bad_payload_is_a_final_error_that_says_why(payload, message):
    code, error, progress = run(None, text=payload)
    assert (code, progress) == (EX_DATAERR, [])
    assert message in error


def test_the_same_work_in_the_request_is_cut_and_as_a_job_is_done(buzzer, tmp_path):
    work = {"directory": PHOTOGRAPHS, "size": 256, "previews": [1280, 1920, 2560]}
    cut = buzzer.rest("POST", "/demo/sync/images.thumbnails",
                      json={**work, "output": str(tmp_path / "sync")})
    assert cut.status_code == 504
    ran_on = buzzer.sync_twin.wait_for_event("finished")
    assert ran_on["nobody_waited"] and ran_on["exit_code"] == 0

    job = buzzer.submit("images.thumbnails", {**work, "output": str(tmp_path / "job")})
    job = buzzer.wait_for_state(job["id"], "SUCCEEDED", "FAILED")
    assert job["state"] == "SUCCEEDED", job
    assert job["progress"]["fraction"] == 1
    answer = buzzer.rest("GET", f"/v1/jobs/{job['id']}/result")
    assert answer.headers["content-type"] == "application/json"
    result = answer.json()
    assert result["pictures"] == result["thumbnails"] > 0
    assert (tmp_path / "job" / "contact-sheet.jpg").exists()


def test_a_directory_without_pictures_fails_for_good_and_says_why(buzzer, tmp_path):
    job = buzzer.submit("images.thumbnails",
                        {"directory": str(tmp_path), "output": str(tmp_path / "out")})
    job = buzzer.wait_for_state(job["id"], "FAILED")
    assert (job["attempt"], job["error"]["retryable"]) == (1, False)
    assert "has no pictures" in job["error"]["detail"]

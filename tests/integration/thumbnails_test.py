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
EX_TEMPFAIL = 75


def run(payload, text=None, environment=harness.THUMBNAILS):
    """Runs the program as the exec handler does; returns (exit code, result, progress)."""
    reader, writer = os.pipe()
    process = subprocess.Popen(
        ["bash", "-c", f'exec 3>&{writer}; exec "$0"', PROGRAM], pass_fds=[writer], text=True,
        env={"PATH": os.environ["PATH"], **environment},
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
    ('{"directory": "/x\\u0000", "output": "/x"}', "directory must not contain a zero byte"),
    ('{"directory": "/tmp", "output": "/tmp/[x]"}', "output must not contain"),
    (f'{{"directory": "{PHOTOGRAPHS}/no", "output": "/tmp/x"}}', "/no cannot be read"),
    (f'{{"directory": "{PHOTOGRAPHS}/../..", "output": "/tmp/x"}}', "has no pictures"),
    ('{"directory": "/etc", "output": "/tmp/x"}', "directory /etc must lie below /usr/share/"),
    ('{"directory": "/tmp/../etc", "output": "/tmp/x"}', "directory /tmp/../etc must lie below"),
    ('{"directory": "/proc/self/root/etc", "output": "/tmp/x"}', "must lie below"),
    ('{"directory": "/tmp", "output": "/tmpx"}', "output /tmpx must lie below /tmp"),
    ('{"directory": "/etc", "output": "/x", "size": 1.5}', "size must be"),
    ('{"directory": "/etc", "output": "/x", "size": true}', "size must be"),
    ('{"directory": "/etc", "output": "/x", "previews": [9]}', "previews must be"),
    ('{"directory": "/etc", "output": "/x", "siez": 9}', "unknown field 'siez'"),
    (f'{{"directory": "{PHOTOGRAPHS}", "output": "/proc/x"}}', "/proc/x must lie below"),
])
def test_a_bad_payload_is_a_final_error_that_says_why(payload, message):
    code, error, progress = run(None, text=payload)
    assert (code, progress) == (EX_DATAERR, [])
    assert message in error


@pytest.mark.parametrize("environment", [
    {}, {"THUMBNAILS_INPUT": "/tmp"}, {"THUMBNAILS_OUTPUT": "/tmp"},
    {"THUMBNAILS_INPUT": "tmp", "THUMBNAILS_OUTPUT": "/tmp"},
    {"THUMBNAILS_INPUT": ":", "THUMBNAILS_OUTPUT": "/tmp"},
])
def test_a_worker_that_names_no_directories_says_so_and_the_job_may_run_elsewhere(environment):
    code, error, _ = run({"directory": "/tmp", "output": "/tmp/x"}, environment=environment)
    assert code == EX_TEMPFAIL
    assert "must be an absolute path in the handler's `environment`" in error


def test_links_that_lead_out_of_the_directories_lead_nowhere(pictures, tmp_path):
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    inside.mkdir()
    outside.mkdir()
    shutil.copy(pictures / "Aqua.jpg", outside / "secret.jpg")
    roots = {"THUMBNAILS_INPUT": f"{inside}:{pictures}", "THUMBNAILS_OUTPUT": str(inside)}

    (inside / "away").symlink_to(outside)
    (inside / "loop").symlink_to(inside / "loop")
    for payload in ({"directory": str(inside / "away"), "output": str(inside / "out")},
                    {"directory": str(pictures), "output": str(inside / "away" / "out")},
                    {"directory": str(inside / "loop"), "output": str(inside / "out")},
                    {"directory": str(pictures), "output": str(inside / "loop")}):
        code, error, _ = run(payload, environment=roots)
        assert code == EX_DATAERR and "must lie below" in error, payload
    assert sorted(path.name for path in outside.iterdir()) == ["secret.jpg"]

    (inside / "link.jpg").symlink_to(outside / "secret.jpg")
    (inside / "fine.jpg").symlink_to(pictures / "Dune.jpg")
    code, result, _ = run({"directory": str(inside), "output": str(inside / "out")},
                          environment=roots)
    assert (code, result["thumbnails"]) == (0, 1)
    assert result["failed"] == [
        {"picture": "link.jpg", "reason": "a link to a file that may not be read"}]


def test_what_is_no_picture_of_the_known_kinds_reaches_no_library(pictures):
    strangers = {
        "svg.jpg": b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><g/></svg>',
        "pdf.jpg": b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages"
                   b"/Kids[3 0 R]/Count 1>>endobj 3 0 obj<</Type/Page/MediaBox[0 0 9 9]"
                   b"/Parent 2 0 R>>endobj trailer<</Root 1 0 R>>",
        "miff.png": b"id=ImageMagick\nclass=DirectClass columns=2 rows=2 depth=8\n\f\n:\x1a"
                    b"ABCDEFGHIJKL",
        "ppm.gif": b"P3 1 1 255 1 2 3",
        "eps.tif": b"%!PS-Adobe-3.0 EPSF-3.0\n",
        "script.webp": b"push graphic-context\nimage over 0,0 0,0 'msl:/etc/passwd'\n",
        "empty.jpg": b"",
        "riff.webp": b"RIFF\0\0\0\0WAVEfmt ",
    }
    for name, content in strangers.items():
        (pictures / name).write_bytes(content)
    code, result, _ = run(payload_for(pictures))
    assert (code, result["thumbnails"]) == (0, 2)
    assert {fault["picture"]: fault["reason"] for fault in result["failed"]} == {
        name: "not a JPEG, PNG, TIFF, WebP or GIF file" for name in strangers}


def test_vips_is_told_to_load_nothing_through_libraries_that_are_unfit(pictures, tmp_path):
    # A stand-in tells what it is started with.
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "vipsthumbnail").write_text('#!/bin/sh\necho "blocked: $VIPS_BLOCK_UNTRUSTED" >&2\n'
                                         "exit 1\n")
    (tools / "vipsthumbnail").chmod(0o755)
    _, result, _ = run(payload_for(pictures), environment={
        **harness.THUMBNAILS, "PATH": f"{tools}:{os.environ['PATH']}"})
    assert {fault["reason"] for fault in result["failed"]} == {"blocked: 1"}


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

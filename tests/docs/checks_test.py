# Copyright 2026 The Buzzer Authors
# SPDX-License-Identifier: Apache-2.0
"""No check is there that nobody runs, and each file is where checks find it."""

import json
import os
import pathlib
import re
import shutil
import subprocess

import pytest
from tree import ROOT, files, text

RUN = text("tests/run")
PRESETS = json.loads((ROOT / "CMakePresets.json").read_text())
LISTS = [path for path in files() if path.endswith("CMakeLists.txt")]


def presets(kind):
    return {preset["name"] for preset in PRESETS[kind] if not preset.get("hidden")}


def test_tests_run_builds_every_preset():
    built = set(re.findall(r"\bbuild ([a-z-]+)\b", RUN))
    # What dev compiles, asan-ubsan compiles too, with more in it.
    assert presets("configurePresets") - built == {"dev"}
    assert presets("buildPresets") == presets("configurePresets")


def test_the_readme_names_every_preset():
    part = text("README.md").split("\n## Working on it\n")[1]
    assert not [name for name in presets("configurePresets") if not re.search(rf"\b{name}\b", part)]


def test_tests_run_explains_its_steps_and_has_those_that_it_explains():
    head = RUN.split("\nset -")[0]
    explained = set(re.findall(r"^#   tests/run ([a-z-]+) ", head, re.M)) - {"all"}
    has = {name.replace("_", "-") for name in re.findall(r"^run_([a-z_]+)\(\)", RUN, re.M)}
    assert explained == has - {"ctest"}


def test_tests_run_asks_for_every_label():
    asked = set()
    for labels in re.findall(r"-L '?([a-z|]+)'?", RUN):
        asked |= set(labels.split("|"))
    labels = {"unit"}
    for path in LISTS:
        labels |= set(re.findall(r"LABELS ([a-z]+)", text(path)))
    assert labels == asked


def lists_above(path):
    """What the CMake files beside a file and above it say, cmake/ left out."""
    folders = [parent.as_posix() for parent in pathlib.PurePath(path).parents]
    return "\n".join(text(f"{folder}/CMakeLists.txt") for folder in folders
                     if f"{folder}/CMakeLists.txt" in LISTS)


def is_named(path):
    """Lists name a test by its file, or by what stands before _test."""
    file = pathlib.PurePath(path)
    stem = re.sub(r"_test$", "", file.stem)
    return re.search(rf"(?<![\w]){stem}(_test)?(?![\w])", lists_above(path))


@pytest.mark.parametrize("path", [path for path in files() if path.endswith(".cc")
                                  and not path.startswith("tests/clang/planted/")])
def test_every_source_is_built(path):
    assert is_named(path), f"no CMakeLists.txt above {path} names it"


def folder_is_run(folder):
    """Whether pytest gets the whole folder, from its list or from its script `run`."""
    said = text(f"{folder}/CMakeLists.txt") if f"{folder}/CMakeLists.txt" in LISTS else ""
    script = text(f"{folder}/run") if f"{folder}/run" in files() else ""
    return re.search(r'-m pytest [^)]*SOURCE_DIR}"\)', said) or "-m pytest" in script


@pytest.mark.parametrize("path", [path for path in files() if path.endswith("_test.py")])
def test_every_test_in_python_is_run(path):
    file = pathlib.PurePath(path)
    named = any(file.name in text(list_) for list_ in LISTS)
    assert folder_is_run(file.parent.as_posix()) or named or is_named(path), path


def shebang(path):
    with open(ROOT / path, "rb") as file:
        return file.readline(128)


SCRIPTS = [path for path in files() if shebang(path).startswith(b"#!")]
SHELL = [path for path in SCRIPTS if re.search(rb"\b(ba)?sh\b", shebang(path))]


def test_shellcheck_finds_nothing_in_the_shell_scripts():
    assert len(SHELL) > 20
    # SC2015: what stands behind || ends the script. SC2016: a program in single quotes, such as
    # sh -c '...', means its $ for itself.
    done = subprocess.run(["shellcheck", "--exclude=SC2015,SC2016", "--external-sources", *SHELL],
                          cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_scripts_may_be_run():
    assert not [path for path in SCRIPTS if not os.access(ROOT / path, os.X_OK)]


def test_what_we_wrote_says_its_licence():
    programs = [path for path in files()
                if path in SCRIPTS or path == "Dockerfile"
                or pathlib.PurePath(path).suffix in {".cc", ".h", ".py", ".proto", ".lua", ".js"}]
    assert len(programs) > 400
    assert not [path for path in programs
                if "SPDX-License-Identifier: Apache-2.0" not in text(path)[:400]]


def test_clang_tidy_is_told_once_of_each_check():
    rules = re.search(r"Checks: >\n((?:  .*\n)+)", text(".clang-tidy"))[1]
    checks = [check.strip().lstrip("-") for check in rules.replace("\n", "").split(",")]
    assert len(checks) == len(set(checks))


def test_a_silenced_finding_says_which_and_why():
    bare = []
    for path in files():
        if path.endswith((".cc", ".h")):
            lines = text(path).splitlines()
            for number, line in enumerate(lines, 1):
                if "NO_THREAD_SAFETY_ANALYSIS" in line and "//" not in lines[number - 2]:
                    bare.append(f"{path}:{number}")
                if re.search(r"NOLINT(NEXTLINE|BEGIN)?(?!END)(?!\w*\([a-z-]+.*\): \w)", line):
                    bare.append(f"{path}:{number}")
    assert not bare


def docker_context():
    """The patterns of .dockerignore that let something in."""
    lines = text(".dockerignore").splitlines()
    return [line[1:] for line in lines if line.startswith("!")]


def copied():
    for words in re.findall(r"^COPY (?!--from)(.*)$", text("Dockerfile"), re.M):
        yield from words.split()[:-1]


def test_the_docker_context_has_what_the_dockerfile_copies():
    let_in = docker_context()
    for path in copied():
        assert (ROOT / path).exists()
        assert any(path == one or path.startswith(f"{one}/") for one in let_in), path
    for path in let_in:
        assert (ROOT / path).exists()


def test_the_docker_context_configures_and_has_the_targets(tmp_path):
    source = tmp_path / "source"
    for path in copied():
        target = source / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / path).is_dir():
            shutil.copytree(ROOT / path, target)
        else:
            shutil.copy(ROOT / path, target)
    subprocess.run(["cmake", "--preset", "release", "-DBUZZER_BUILD_TESTS=OFF"], cwd=source,
                   check=True, capture_output=True)
    targets = subprocess.run(["ninja", "-C", "build/release", "-t", "targets", "all"], cwd=source,
                             check=True, capture_output=True, text=True).stdout
    built = re.search(r"--target ((?:buzzer[\w-]* )+)", text("Dockerfile"))[1].split()
    assert "buzzer-state" in built
    for name in built:
        assert re.search(rf"^bin/{name}: ", targets, re.M), name


@pytest.mark.parametrize("arguments", [["--preset", "dev"],
                                       ["--preset", "release", "-DBUZZER_STATIC=OFF"]])
def test_what_only_people_configure_can_be_configured(tmp_path, arguments):
    done = subprocess.run(["cmake", *arguments, "-B", str(tmp_path)], cwd=ROOT, check=False,
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr

"""A whole run in this process: its folder, its second life, and everything that can go wrong."""

import errno
import json
import pickle
import zipfile

import pytest
import torch
from support import SMALL, compose

import gan_lab
from gan_lab.errors import UserError
from gan_lab.models.base import DivergedError
from gan_lab.runs import Run, keep_lines, load, read_checkpoint
from gan_lab.sampling import draw
from gan_lab.training import train

SHORT = [
    *SMALL,
    "trainer.kimg=0.32",
    "trainer.log_every=4",
    "trainer.evaluate_every_kimg=0.16",
    "trainer.sample_every_kimg=0.16",
    "trainer.checkpoint_every_kimg=0.08",
    "logger=csv",
    "metrics.num_fake=250",
]


def run(run_dir, *overrides: str) -> float | None:
    return train(compose(*SHORT, f"run_dir={run_dir}", *overrides), [])


def take_up(run_dir, *changes: str) -> float | None:
    return train(compose(f"run={run_dir}"), [f"run={run_dir}", *changes])


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "finished"
    run(folder)
    return folder


def test_folder_holds_what_scripts_rely_on(finished):
    for name in ("metrics.csv", "report.html", "config.yaml", "evaluations.jsonl", "summary.json"):
        assert (finished / name).stat().st_size > 0, name
    assert len(list((finished / "samples").glob("0*.png"))) == 3
    for name in ("last", "best"):
        checkpoint = torch.load(finished / f"checkpoints/{name}.ckpt", weights_only=True)
        assert "generator_ema.end.weight" in checkpoint["state_dict"]


def test_loaded_gan_needs_no_command_line(finished):
    gan = gan_lab.load(finished / "checkpoints/best.ckpt")
    assert gan.sample(4, seed=0).shape == (4, 1, 8, 8)
    assert torch.equal(gan.sample(4, seed=0), gan_lab.load(finished).sample(4, seed=0))
    assert not gan.training and not any(w.requires_grad for w in gan.parameters())


def test_finished_run_is_left_alone_and_can_be_extended(finished, tmp_path, capsys):
    before = (finished / "metrics.csv").read_bytes()
    assert run(finished) == Run(finished).summary()["best"]
    assert "is finished" in capsys.readouterr().out
    assert (finished / "metrics.csv").read_bytes() == before

    run(tmp_path / "run")
    take_up(tmp_path / "run", "trainer.kimg=0.48")
    assert Run(tmp_path / "run").summary()["iterations"] == 30
    assert (tmp_path / "run/metrics.csv").read_bytes().startswith(before.splitlines()[0])


def test_another_config_in_the_folder_is_refused_and_named(finished):
    with pytest.raises(UserError, match="model.gamma: 0.3 there, 0.2 here"):
        run(finished, "model.gamma=0.2")


def test_taking_up_allows_only_trainer_options(finished):
    with pytest.raises(UserError, match="model.gamma=1"):
        take_up(finished, "model.gamma=1")


def test_missing_run_names_the_folder(tmp_path):
    with pytest.raises(UserError, match="no run here"):
        take_up(tmp_path / "nothing")


def test_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="run_dir="):
        run(tmp_path / "file" / "run")


def test_folder_with_other_files_is_refused(tmp_path):
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(UserError, match="holds other files"):
        run(tmp_path)


def test_loss_that_is_not_a_number_stops_the_run_and_keeps_the_last_good_checkpoint(tmp_path):
    with pytest.raises(DivergedError, match="diverged"):
        run(tmp_path / "run", "model.optimizers.discriminator.lr=1e30", "trainer.log_every=1")
    last = tmp_path / "run/checkpoints/last.ckpt"
    if last.exists():
        weights = read_checkpoint(last)["state_dict"].values()
        assert all(torch.isfinite(w).all() for w in weights)


def test_full_disk_keeps_the_checkpoint_before(tmp_path, monkeypatch):
    good, save = [], torch.save

    def fills_up(checkpoint, file):
        if len(good) == 2:
            save({"half": torch.zeros(10)}, file)
            raise OSError(errno.ENOSPC, "No space left on device")
        good.append(checkpoint["gan"]["steps_done"])
        save(checkpoint, file)

    monkeypatch.setattr(torch, "save", fills_up)
    with pytest.raises(UserError, match="No space left.*untouched.*run="):
        run(tmp_path / "run", "trainer.evaluate_every_kimg=100")
    monkeypatch.undo()
    folder = tmp_path / "run/checkpoints"
    assert read_checkpoint(folder / "last.ckpt")["gan"]["steps_done"] == good[-1]
    assert [p.name for p in folder.iterdir()] == ["last.ckpt"]
    take_up(tmp_path / "run")
    assert Run(tmp_path / "run").finished


def test_checkpoint_cut_short_is_refused(finished, tmp_path):
    data = (finished / "checkpoints/last.ckpt").read_bytes()
    for size in (0, 100, len(data) // 2, len(data) - 10):
        (tmp_path / "cut.ckpt").write_bytes(data[:size])
        with pytest.raises(UserError, match="cut short"):
            load(tmp_path / "cut.ckpt")


class Payload:
    def __reduce__(self):
        return print, ("executed",)


@pytest.mark.parametrize("form", ["bare", "zipped"])
def test_hostile_pickle_is_refused_unread(form, tmp_path, capsys):
    file = tmp_path / "gift.ckpt"
    if form == "bare":
        file.write_bytes(pickle.dumps(Payload()))
    else:
        torch.save({"state_dict": {}, "x": Payload()}, file)
        assert zipfile.is_zipfile(file)
    with pytest.raises(UserError, match=r"gift.ckpt"):
        load(file)
    assert "executed" not in capsys.readouterr().out


def test_config_that_calls_foreign_code_is_refused(finished, tmp_path):
    text = (finished / "config.yaml").read_text()
    text = text.replace("gan_lab.models.r3gan.R3GAN", "os.system")
    (tmp_path / "config.yaml").write_text(text)
    with pytest.raises(UserError, match="would call os.system"):
        Run(tmp_path)


def test_own_code_is_taken_up_when_trusted(finished):
    config = finished / "config.yaml"
    text = config.read_text()
    config.write_text(text + "mine: {_target_: collections.OrderedDict}\n")
    try:
        with pytest.raises(UserError, match="trust=true"):
            take_up(finished)
        assert train(compose(f"run={finished}", "trust=true"), ["trust=true"]) is not None
    finally:
        config.write_text(text)


def test_samples_are_the_same_bytes_each_time(finished, tmp_path):
    def samples(output, *overrides):
        options = [f"run={finished}", "num=9", "seed=3", "truncation=0.7", *overrides]
        return draw(compose(*options, f"output={tmp_path / output}", name="sample"))

    one = samples("a.png").read_bytes()
    assert one == samples("b.png").read_bytes()
    folder = samples("files")
    assert len(list(folder.iterdir())) == 9
    with pytest.raises(UserError, match="not empty"):
        samples("files")
    with pytest.raises(UserError, match="label=3.*takes no label"):
        samples("c.png", "label=3")


def test_keep_lines_drops_what_came_later_and_what_was_cut(tmp_path):
    log, records = tmp_path / "a.csv", tmp_path / "b.jsonl"
    log.write_text("iteration,kimg\n5,0.1\n10,0.2\n1")
    records.write_text(
        json.dumps({"iteration": 5}) + "\n" + json.dumps({"iteration": 10}) + '\n{"it'
    )
    keep_lines(log, 5), keep_lines(records, 5)
    assert log.read_text() == "iteration,kimg\n5,0.1\n"
    assert records.read_text() == '{"iteration": 5}\n'
